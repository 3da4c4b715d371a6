// Completion at the cursor: what is sent, when it is worth it, and what of the answer is taken.

/** Characters around the cursor that are sent: what stands farther away seldom changes the next line. */
const BEFORE = 8000;
const AFTER = 2000;

/** Milliseconds of rest after which somebody who types would like help. */
export const REST_MS = 350;

export interface Around {
  prefix: string;
  suffix: string;
}

/** The code around a place, cut at lines' ends. */
export function around(text: string, at: number): Around {
  const from = Math.max(0, at - BEFORE);
  const to = Math.min(text.length, at + AFTER);
  const begin = text.indexOf("\n", from) + 1;
  const end = text.lastIndexOf("\n", to);
  return {
    prefix: text.slice(from === 0 || begin === 0 || begin > at ? from : begin, at),
    suffix: text.slice(at, to === text.length || end < at ? to : end),
  };
}

/** Whether to ask by itself: not within a word, and not where there is nothing to go by. */
export function worthAsking(text: string, at: number): boolean {
  return text.slice(0, at).trim() !== "" && !/\w/.test(text.charAt(at));
}

/** What of a suggestion is shown at a place: without what stands behind the cursor already. */
export function shownSuggestion(suggestion: string, suffix: string): string {
  const rest = suffix.slice(0, suffix.indexOf("\n") === -1 ? undefined : suffix.indexOf("\n"));
  const text = suggestion.trimEnd();
  return rest.trim() !== "" && text.endsWith(rest.trimEnd()) ? text.slice(0, -rest.trimEnd().length) : text;
}

/** The first word of a suggestion, with the space before it. */
export function firstWord(suggestion: string): string {
  return /^\s*(?:\w+|[^\w\s]+)?/.exec(suggestion)?.[0] || suggestion;
}

/** What is left of a suggestion when somebody types on as it says; null when they type something else. */
export function typedInto(suggestion: string, typed: string): string | null {
  return typed !== "" && suggestion.startsWith(typed) ? suggestion.slice(typed.length) : null;
}
