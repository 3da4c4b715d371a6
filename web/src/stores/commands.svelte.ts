// What can be done from the keyboard: views register commands, the palette and the page of shortcuts list them.
import { untrack } from "svelte";

import { named, step } from "../lib/keys";

export interface Command {
  /** Unique, "chat.new". */
  id: string;
  title: string;
  /** "mod+k", "shift+?", "g c"; see lib/keys. */
  keys?: string;
  /** Works while somebody types in a field. */
  inFields?: boolean;
  /** Not listed in the palette. */
  hidden?: boolean;
  run: () => void;
}

// How long the second key of "g c" may take.
const SECOND_KEY_MS = 1000;

let lists = $state.raw<readonly (() => readonly Command[])[]>([]);
let paletteOpen = $state(false);
let shortcutsOpen = $state(false);

/** Adds commands for as long as a component lives; call it within an $effect. Titles may change with the language. */
export function register(commands: () => readonly Command[]): () => void {
  // Untracked: the effect that registers must not run again for what it has changed itself.
  untrack(() => (lists = [...lists, commands]));
  return () => untrack(() => (lists = lists.filter((each) => each !== commands)));
}

/** All commands; of two with one id the later one counts. */
export function allCommands(): Command[] {
  const found = new Map<string, Command>();
  for (const list of lists) for (const each of list()) found.set(each.id, each);
  return [...found.values()];
}

export const palette = {
  get open() { return paletteOpen; },
  set open(open: boolean) { paletteOpen = open; },
};

export const shortcutsPage = {
  get open() { return shortcutsOpen; },
  set open(open: boolean) { shortcutsOpen = open; },
};

export const isMac = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.userAgent);

function typing(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Listens for the keys of all commands. Returns how to stop. */
export function watchKeys(): () => void {
  let before = "";
  let timer = 0;
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Meta", "Alt"].includes(event.key)) return;
    const inField = typing(event.target);
    const open = document.querySelector("dialog[open]") !== null;
    const usable = allCommands().filter((each) => each.keys && (each.inFields || !inField) && (!open || each.inFields));
    const next = step(before, named(event, isMac), usable.map((each) => each.keys ?? ""));
    clearTimeout(timer);
    before = next.wait ?? "";
    if (before !== "") timer = window.setTimeout(() => (before = ""), SECOND_KEY_MS);
    if (next.run === undefined) return;
    event.preventDefault();
    usable.findLast((each) => each.keys === next.run)?.run();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
