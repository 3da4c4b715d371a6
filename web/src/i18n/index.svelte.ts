// t("chat.send"): what the portal says, in the language of whoever reads it.
import { type Key, type Language, LANGUAGES, type Part } from "./catalogue";
import english from "./en/common";
import { say, type Values } from "./say";
import type { Messages } from "./types";

export type { Key, Language, Part };

// Parts that are not loaded yet say nothing: views are shown after theirs.
let parts = $state.raw<Readonly<Partial<Record<Part, Messages>>>>({ common: english });
let spoken = $state<Language>("en");

/** A text of the catalogue; `n` chooses between singular and plural. */
export function t(key: Key, values: Values = {}): string {
  const dot = key.indexOf(".");
  const message = parts[key.slice(0, dot) as Part]?.[key.slice(dot + 1)];
  return message === undefined ? key : say(message, values, spoken);
}

/** The language that is spoken, for dates and numbers. */
export function language(): Language {
  return spoken;
}

/** Loads the texts of a view, once. */
export async function loadPart(part: Part): Promise<void> {
  if (parts[part]) return;
  const asked = spoken;
  const messages = (await LANGUAGES[asked][part]()).default;
  if (asked === spoken) parts = { ...parts, [part]: messages };
  else await loadPart(part);
}

/** Speaks another language from now on, in everything that is shown. */
export async function speak(wanted: Language): Promise<void> {
  if (wanted === spoken) return;
  const shown = Object.keys(parts) as Part[];
  const loaded = await Promise.all(shown.map(async (part) => [part, (await LANGUAGES[wanted][part]()).default] as const));
  spoken = wanted;
  parts = Object.fromEntries(loaded);
  document.documentElement.lang = wanted;
}

/** The language to begin with: the chosen one, or the first of the browser's that we speak. */
export function preferred(chosen: string, browser: readonly string[]): Language {
  const known = (tag: string): Language | null => {
    const short = tag.toLowerCase().split("-")[0] ?? "";
    return Object.hasOwn(LANGUAGES, short) ? (short as Language) : null;
  };
  return known(chosen) ?? browser.map(known).find((each) => each !== null) ?? "en";
}
