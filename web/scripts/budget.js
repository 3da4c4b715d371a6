// What the first load of /chat costs on the wire (PORTAL: the bars), counted from the build.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const DIST = join(import.meta.dirname, "../../src/potluck/portal/dist");
// Kilobytes of 1000 bytes as browsers show them, brotli; documents and icons count into `all`.
const BARS = { all: 180, js: 120, css: 15, requests: 20 };
const ENTRY = "index.html";
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

/** Every file that a module of the manifest loads before it runs. */
function needs(key, found = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`the build has no ${key}`);
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const other of chunk.imports ?? []) needs(other, found);
  return found;
}

let failed = false;
for (const [path, view] of Object.entries(VIEWS)) {
  const names = Object.keys(manifest);
  const catalogue = names.filter((name) => name === view.replace(/views\/(\w+)\/.*/, "i18n/en/$1.ts"));
  const loaded = [...needs(ENTRY), ...[view, ...catalogue].flatMap((key) => [...needs(key)])];
  const inlined = new Set(manifest[ENTRY].css ?? []);
  const unique = [...new Set(loaded)].filter((name) => !inlined.has(name));
  const of = (end) => unique.filter((name) => name.endsWith(end)).reduce((sum, name) => sum + wire(name), 0);
  const shell = wire(ENTRY) + wire("theme.js") + wire("manifest.webmanifest") + wire("icons/icon.svg");
  const told = {
    all: (of(".js") + of(".css") + shell) / 1000,
    js: of(".js") / 1000,
    css: of(".css") / 1000 + [...inlined].reduce((sum, name) => sum + wire(name), 0) / 1000,
    requests: unique.length + OTHER_REQUESTS,
  };
  for (const [what, bar] of Object.entries(BARS)) {
    const over = told[what] > bar;
    failed ||= over;
    const unit = what === "requests" ? "" : " kB";
    process.stdout.write(`${path.padEnd(6)} ${what.padEnd(9)} ${told[what].toFixed(1).padStart(7)}${unit} of ${bar}${unit}${over ? "  TOO MUCH" : ""}\n`);
  }
}
process.exitCode = failed ? 1 : 0;
