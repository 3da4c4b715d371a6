// What follows a build: a page for each view, everything compressed once, and a list of the files for the server.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};
const PACKED_ALREADY = new Set([".png", ".woff2"]);
// Below this the headers outweigh what compression saves.
const LEAST_BYTES = 600;
const SHELL = "index.html";
const MAIN = "src/main.ts";

/** @returns {import("vite").Plugin} */
export function packed() {
  let root = "";
  return {
    name: "potluck-packed",
    apply: "build",
    configResolved(config) {
      root = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      await pack(root, await writePages(root));
    },
  };
}

/**
 * A page for each view: whatever it is made of is asked for with the page and not one after the other, and its styles are
 * in it, for nothing is painted before them. Returns the hashes of each page's styles, for its policy.
 */
async function writePages(root) {
  const manifest = JSON.parse(await readFile(join(root, "manifest.json"), "utf8"));
  const shell = (await readFile(join(root, SHELL), "utf8")).replace('"/theme.js"', `"/${await named(root, "theme.js")}"`);
  const begun = needs(manifest, [SHELL]);
  const more = (keys) => [...needs(manifest, [MAIN, ...keys])].filter((name) => !begun.has(name));
  const pages = { [SHELL]: more([]) };
  for (const key of Object.keys(manifest)) {
    const view = /^src\/views\/(\w+)\/(\w+)\.svelte$/.exec(key);
    if (!view || view[1] !== view[2].toLowerCase()) continue;
    // Who reads another language has its texts asked for once the language is known.
    const texts = `src/i18n/en/${view[1]}.ts`;
    pages[`views/${view[1]}.html`] = more(manifest[texts] ? [key, texts] : [key]);
  }
  await mkdir(join(root, "views"), { recursive: true });
  const styles = {};
  for (const [name, files] of Object.entries(pages)) {
    const links = files.map((file) =>
      file.endsWith(".css") ? `<link rel="stylesheet" crossorigin href="/${file}">` : `<link rel="modulepreload" crossorigin href="/${file}">`,
    );
    const page = await inlineStyle(root, shell.replace("</head>", `${links.map((link) => `  ${link}\n  `).join("")}</head>`));
    await writeFile(join(root, name), page.html);
    styles[`/${name}`] = page.styles;
  }
  return styles;
}

/** A file under a name that changes with what is in it: it is kept for ever, and nobody who comes again waits for it. */
async function named(root, name) {
  const bytes = await readFile(join(root, name));
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 8);
  const found = `assets/${name.replace(".", `-${hash}.`)}`;
  await writeFile(join(root, found), bytes);
  return found;
}

/** Every file that modules of the manifest load before they run. */
export function needs(manifest, keys, found = new Set()) {
  for (const key of keys) {
    const chunk = manifest[key];
    if (!chunk) throw new Error(`the build has no ${key}`);
    if (found.has(chunk.file)) continue;
    found.add(chunk.file);
    for (const css of chunk.css ?? []) found.add(css);
    needs(manifest, chunk.imports ?? [], found);
  }
  return found;
}

/** A page with its style sheets in it, and their hashes. */
async function inlineStyle(root, html) {
  const styles = [];
  for (const [link, sheet] of html.matchAll(/\s*<link rel="stylesheet"[^>]*href="(\/assets\/[^"]+\.css)"[^>]*>/g)) {
    const css = (await readFile(join(root, sheet), "utf8")).trim();
    if (css.includes("</")) throw new Error("a style sheet would end its own element");
    // A disabled link is not loaded; by it the loader of lazy parts knows that it need not fetch the sheet.
    html = html.replace(link, () => `\n    <style>${css}</style>\n    <link rel="stylesheet" href="${sheet}" disabled>`);
    styles.push(`sha256-${createHash("sha256").update(css).digest("base64")}`);
  }
  return { html, styles };
}

async function pack(root, styles) {
  const files = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = `/${relative(root, path).split(sep).join("/")}`;
    if (!entry.isFile() || name === "/manifest.json" || name === "/files.json") continue;
    files[name] = { ...(await packFile(path)), ...(styles[name] ? { styles: styles[name] } : {}) };
  }
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(root, "files.json"), `${JSON.stringify({ files: sorted }, null, 1)}\n`);
}

async function packFile(path) {
  const bytes = await readFile(path);
  const kind = extname(path);
  const type = TYPES[kind];
  if (!type) throw new Error(`no media type is known for ${path}`);
  const made = { type, size: bytes.length, hash: createHash("sha256").update(bytes).digest("base64url").slice(0, 22) };
  if (PACKED_ALREADY.has(kind) || bytes.length < LEAST_BYTES) return made;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
    promisify(gzip)(bytes, { level: 9 }),
  ]);
  await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
  return { ...made, br: br.length, gz: gz.length };
}
