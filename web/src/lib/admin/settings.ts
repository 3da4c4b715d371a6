// Settings as a page shows them: by section, found by words, and a text for each value. Pure.
import type { components } from "../api-types";

export type Setting = components["schemas"]["SettingInfo"];
export type Plain = string | number | boolean | null;

/** Those that have all words in their name or description, by section; first the sections that can be changed here. */
export function sections(settings: readonly Setting[], wanted: string): [section: string, settings: Setting[]][] {
  const words = wanted.toLowerCase().split(/\s+/).filter((each) => each !== "");
  const found = new Map<string, Setting[]>();
  for (const each of settings) {
    const text = `${each.key} ${each.description}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const section = found.get(each.section);
    if (section) section.push(each);
    else found.set(each.section, [each]);
  }
  const fixed = (settings: readonly Setting[]) => (settings.some((each) => each.changeable) ? 0 : 1);
  return [...found].sort(([, a], [, b]) => fixed(a) - fixed(b));
}

/** A description in pieces: what stands between backticks is code. */
export function pieces(text: string): { code: boolean; text: string }[] {
  return text.split("`").map((piece, at) => ({ code: at % 2 === 1, text: piece })).filter((each) => each.text !== "");
}

/** How a value is written; the default where it is not set. */
export function written(setting: Setting): string {
  const { value } = setting;
  if (value === null || value === undefined) return setting.default;
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function isSwitch(setting: Setting): boolean {
  return written(setting) === "true" || written(setting) === "false";
}

/** What was typed, as the setting's kind of value; an empty text takes the change back. */
export function typed(setting: Setting, text: string): Plain {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (isSwitch(setting) && (trimmed === "true" || trimmed === "false")) return trimmed === "true";
  const isNumber = typeof setting.value === "number" || /^(integer|number|float|int)/.test(setting.type);
  return isNumber && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}
