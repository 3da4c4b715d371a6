// What is seen before any script runs: the rail with its icons, where `Frame.svelte` will put them. Without words, for
// the language is not known yet.
import { ICONS } from "../src/components/icons.ts";

// As in Frame.svelte; what a phone has no place for is left out there.
const ENTRIES = [["chat"], ["code", "minor"], ["images"], ["nodes"], ["admin", "minor"], ["user", "last"]];

/** @returns {import("vite").Plugin} */
export function shell() {
  return {
    name: "potluck-shell",
    transformIndexHtml: (html) => html.replace("<!-- rail -->", rail),
  };
}

function rail() {
  const icons = ENTRIES.map(([name, kind = ""]) => `<i${kind && ` class="${kind}"`}><svg viewBox="0 0 24 24" width="20" height="20"><path d="${ICONS[name]}" /></svg></i>`);
  return `<i class="brand"></i>${icons.join("")}`;
}
