// What the first load of /chat costs on the wire (PORTAL: the bars), counted from the build.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { needs } from "./packed.js";

const DIST = join(import.meta.dirname, "../../src/potluck/portal/dist");
// Kilobytes of 1000 bytes as browsers show them, brotli; documents and icons count into `all`.
const BARS = { all: 180, js: 120, css: 15, requests: 20 };
const ENTRY = "index.html";
const MAIN = "src/main.ts";
const VIEWS = { "/chat": "src/views/chat/Chat.svelte", "/": "src/views/home/Home.svelte" };
// The page itself, the manifest, an icon, the theme's script, the boot request and the event stream.
const OTHER_REQUESTS = 6;

const manifest = JSON.parse(await readFile(join(DIST, "manifest.json"), "utf8"));
const { files } = JSON.parse(await readFile(join(DIST, "files.json"), "utf8"));

function wire(name) {
  const file = files[`/${name}`];
  if (!file) throw new Error(`${name} is not among the files that are served`);
  return file.br ?? file.size;
}

let failed = false;
for (const [path, view] of Object.entries(VIEWS)) {
  const page = `views/${/views\/(\w+)/.exec(view)[1]}.html`;
  const texts = view.replace(/views\/(\w+)\/.*/, "i18n/en/$1.ts");
  const loaded = needs(manifest, [ENTRY, MAIN, view, ...(manifest[texts] ? [texts] : [])]);
  const js = [...loaded].filter((name) => name.endsWith(".js"));
  // Styles come in the page.
  const shell = wire(page) + wire("theme.js") + wire("manifest.webmanifest") + wire("icons/icon.svg");
  const scripts = js.reduce((sum, name) => sum + wire(name), 0);
  const told = { all: (scripts + shell) / 1000, js: scripts / 1000, css: wire(page) / 1000, requests: js.length + OTHER_REQUESTS };
  for (const [what, bar] of Object.entries(BARS)) {
    const over = told[what] > bar;
    failed ||= over;
    const unit = what === "requests" ? "" : " kB";
    process.stdout.write(`${path.padEnd(6)} ${what.padEnd(9)} ${told[what].toFixed(1).padStart(7)}${unit} of ${bar}${unit}${over ? "  TOO MUCH" : ""}\n`);
  }
}
process.exitCode = failed ? 1 : 0;
