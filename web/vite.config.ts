import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { packed } from "./scripts/packed.js";
import { shell } from "./scripts/shell.js";

// A running Potluck, for `npm run dev`.
const SERVICE = process.env["POTLUCK_URL"] ?? "http://127.0.0.1:8420";
const SERVED = ["/api", "/v1", "/docs", "/sign-in", "/setup", "/invite", "/reset", "/pages"];

export default defineConfig({
  plugins: [svelte(), shell(), packed()],
  build: {
    outDir: "../src/potluck/portal/dist",
    emptyOutDir: true,
    target: "es2022",
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // what is inlined as data: would be refused by the policy, or be loaded by everybody
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: { index: "index.html", main: "src/main.ts", diagram: "frames/diagram.html" },
      // Left to itself, every module that two parts share becomes a request of its own.
      output: {
        codeSplitting: {
          groups: [
            // Apart from the shell: the page's first script needs it, which runs before anything is painted.
            { name: "loader", test: /vite[\\/]preload-helper/ },
            { name: "shell", tags: ["$initial"], test: /[\\/](node_modules[\\/](svelte|clsx|esm-env)|src[\\/](components|i18n|lib|stores))[\\/]|[\\/]src[\\/](App\.svelte|views\.ts)$/ },
            { name: "chat", test: /[\\/]src[\\/](lib|stores)[\\/]chat[\\/]|[\\/]src[\\/]views[\\/]chat[\\/](Body\.svelte|warmth\.ts)|[\\/]src[\\/]i18n[\\/]en[\\/]chat\.ts|node_modules[\\/]idb[\\/]/ },
            { name: "message", test: /[\\/]src[\\/](components[\\/]message[\\/](?!actions|follow-scroll|CopyButton)|lib[\\/]markdown)/ },
            { name: "shared", test: /[\\/]src[\\/](components|lib)[\\/][^\\/]+$/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  // A worker has the policy that its own file comes with: the server knows those files by their name.
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "assets/worker-[name]-[hash].js" } } },
  server: { proxy: Object.fromEntries(SERVED.map((path) => [path, { target: SERVICE }])) },
  // A busy machine takes its time; what hangs is found all the same.
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
  resolve: process.env["VITEST"] ? { conditions: ["browser"] } : {},
});
