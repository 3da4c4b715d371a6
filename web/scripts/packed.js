// What follows a build: the shell's style inlined, everything compressed once, and a list of the files for the server.
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
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
      const styles = await inlineStyle(root);
      await pack(root, styles);
    },
  };
}

/** The shell's style sheets go into the page: nothing is painted before them. Returns their hashes for the policy. */
async function inlineStyle(root) {
  const path = join(root, "index.html");
  let html = await readFile(path, "utf8");
  const styles = [];
  for (const [link, sheet] of html.matchAll(/\s*<link rel="stylesheet"[^>]*href="(\/assets\/[^"]+\.css)"[^>]*>/g)) {
    const css = (await readFile(join(root, sheet), "utf8")).trim();
    if (css.includes("</")) throw new Error("a style sheet would end its own element");
    // A disabled link is not loaded; by it the loader of lazy parts knows that it need not fetch the sheet.
    html = html.replace(link, () => `\n    <style>${css}</style>\n    <link rel="stylesheet" href="${sheet}" disabled>`);
    styles.push(`sha256-${createHash("sha256").update(css).digest("base64")}`);
  }
  await writeFile(path, html);
  return styles;
}

async function pack(root, styles) {
  const files = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path).split(sep).join("/");
    if (!entry.isFile() || name === "manifest.json" || name === "files.json") continue;
    files[`/${name}`] = await packFile(path);
  }
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(root, "files.json"), `${JSON.stringify({ styles, files: sorted }, null, 1)}\n`);
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
