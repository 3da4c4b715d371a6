// Keyboard shortcuts: "mod+k", "shift+?", "g c" (one after the other). Pure; `stores/commands.svelte.ts` listens.

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** A key that was pressed, as shortcuts name it. `mac`: the command key is the one that counts. */
export function named(press: KeyPress, mac: boolean): string {
  const mod = mac ? press.metaKey : press.ctrlKey;
  const other = mac ? press.ctrlKey : press.metaKey;
  const key = press.key === " " ? "space" : press.key.toLowerCase();
  const parts = [mod && "mod", other && "other", press.altKey && "alt"].filter(Boolean);
  // Shift is part of what a sign is ("?"), and a key of its own beside letters and named keys.
  if (press.shiftKey && (key.length > 1 || /\p{L}/u.test(key))) parts.push("shift");
  return [...parts, key].join("+");
}

/** What follows a press: `run` a shortcut, `wait` for its second key, or nothing. */
export function step(before: string, pressed: string, known: Iterable<string>): { run?: string; wait?: string } {
  const whole = before === "" ? pressed : `${before} ${pressed}`;
  const all = [...known];
  if (all.includes(whole)) return { run: whole };
  if (all.some((keys) => keys.startsWith(`${whole} `))) return { wait: whole };
  return before === "" ? {} : step("", pressed, all);
}

const SHOWN: Readonly<Record<string, string>> = {
  shift: "Shift",
  alt: "Alt",
  enter: "Enter",
  escape: "Esc",
  space: "Space",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
};

/** The keys of a shortcut as they are printed, in order: ["Ctrl", "K"]. */
export function printed(keys: string, mac: boolean): string[] {
  return keys
    .split(/[ ]|(?<=.)\+/)
    .filter(Boolean)
    .map((part) => (part === "mod" ? (mac ? "⌘" : "Ctrl") : (SHOWN[part] ?? part.toUpperCase())));
}
