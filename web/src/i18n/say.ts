import type { Message } from "./types";

export type Values = Readonly<Record<string, string | number>>;

const RULES = new Map<string, Intl.PluralRules>();

/** A message with its {names} filled in; `n` chooses the plural form. What is not given stays as it is written. */
export function say(message: Message, values: Values, language: string): string {
  const text = typeof message === "string" ? message : message[form(Number(values["n"] ?? 0), language)];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

function form(count: number, language: string): "one" | "other" {
  let rules = RULES.get(language);
  if (!rules) RULES.set(language, (rules = new Intl.PluralRules(language)));
  return rules.select(count) === "one" ? "one" : "other";
}
