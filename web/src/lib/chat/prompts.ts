// Prompts with blanks: "Translate {{text}} into {{language:German}}". Pure.

export interface Blank {
  name: string;
  /** What stands there unless somebody says otherwise. */
  preset: string;
}

const BLANK = /\{\{\s*([\p{L}\p{N}_ -]{1,60}?)\s*(?::([^{}]*))?\}\}/gu;
// Filled in without asking.
const KNOWN = ["date", "time", "clipboard"] as const;
export type Known = (typeof KNOWN)[number];

/** The blanks to ask for, each once, in their order. */
export function blanks(text: string): Blank[] {
  const found = new Map<string, Blank>();
  for (const [, name = "", preset = ""] of text.matchAll(BLANK)) {
    if (!(KNOWN as readonly string[]).includes(name) && !found.has(name)) found.set(name, { name, preset: preset.trim() });
  }
  return [...found.values()];
}

/** The text with its blanks filled in; an empty value falls back to the preset. What is filled in is not read again. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(BLANK, (_, name: string, preset = "") => {
    const value = Object.hasOwn(values, name) ? values[name] : "";
    return value === undefined || value === "" ? String(preset).trim() : value;
  });
}

export interface Named {
  name: string;
  text: string;
}

/** What is typed after a "/" at the beginning of a message; null where nothing is asked for. */
export function asked(typed: string): string | null {
  const found = /^\/([\p{L}\p{N}_-]*)$/u.exec(typed);
  return found ? (found[1] ?? "") : null;
}

/** Prompts whose name begins with it, then those that hold it anywhere. */
export function found<Prompt extends Named>(prompts: readonly Prompt[], typed: string): Prompt[] {
  const wanted = typed.toLocaleLowerCase();
  const rank = (each: Prompt): number => {
    const name = each.name.toLocaleLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (name.includes(wanted)) return 1;
    return each.text.toLocaleLowerCase().includes(wanted) ? 2 : 3;
  };
  return prompts
    .map((prompt) => ({ prompt, rank: rank(prompt) }))
    .filter((each) => each.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.prompt.name.localeCompare(b.prompt.name))
    .map((each) => each.prompt);
}
