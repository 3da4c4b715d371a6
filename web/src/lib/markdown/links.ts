/** The parts of links: labels, destinations, titles, and the definitions that paragraphs may begin with. */

import { unescaped } from "./entities";

export interface Target {
  destination: string;
  title?: string;
}

const LABEL_LIMIT = 999;
/** Parentheses inside a destination, as deep as CommonMark asks for. */
const PARENTHESES = 32;

const LABEL = /\[((?:[^\\[\]]|\\[\s\S]){0,1000})\]/y;
const ANGLED = /<((?:[^<>\n\\]|\\.)*)>/y;
const TITLE = /"((?:[^"\\]|\\[\s\S]){0,2000})"|'((?:[^'\\]|\\[\s\S]){0,2000})'|\(((?:[^()\\]|\\[\s\S]){0,2000})\)/y;
const SPACE = /[ \t]*(?:\n[ \t]*)?/y;
const REST_OF_LINE = /[ \t]*(?:\n|$)/y;

function at(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

export function skipSpace(text: string, position: number): number {
  return position + (at(SPACE, text, position)?.[0].length ?? 0);
}

/** The label that begins at `position` and where it ends. */
export function labelAt(text: string, position: number): { label: string; end: number } | null {
  const match = at(LABEL, text, position);
  if (!match || match[1] === undefined || match[1].length > LABEL_LIMIT) return null;
  return { label: match[1], end: position + match[0].length };
}

/** Labels are the same whatever their case and spaces. */
export function normalLabel(label: string): string {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}

export function destinationAt(text: string, position: number): { destination: string; end: number } | null {
  const angled = at(ANGLED, text, position);
  if (angled) return { destination: unescaped(angled[1] ?? ""), end: position + angled[0].length };
  if (text[position] === "<") return null;
  let end = position;
  let depth = 0;
  for (; end < text.length; end += 1) {
    const char = text.charAt(end);
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(text.charAt(end + 1))) end += 1;
    else if (char === "(" && ++depth > PARENTHESES) return null;
    else if (char === ")" && --depth < 0) break;
    else if (char <= " ") break;
  }
  if (depth > 0 || (end === position && text[end] !== ")")) return null;
  return { destination: unescaped(text.slice(position, end)), end };
}

export function titleAt(text: string, position: number): { title: string; end: number } | null {
  const match = at(TITLE, text, position);
  if (!match) return null;
  return { title: unescaped(match[1] ?? match[2] ?? match[3] ?? ""), end: position + match[0].length };
}

/** The `(destination "title")` after a link's text. */
export function inlineTarget(text: string, position: number): { target: Target; end: number } | null {
  if (text[position] !== "(") return null;
  let here = skipSpace(text, position + 1);
  const found = text[here] === ")" ? { destination: "", end: here } : destinationAt(text, here);
  if (!found) return null;
  const target: Target = { destination: found.destination };
  here = skipSpace(text, found.end);
  if (here > found.end) {
    const title = titleAt(text, here);
    if (title) {
      target.title = title.title;
      here = skipSpace(text, title.end);
    }
  }
  return text[here] === ")" ? { target, end: here + 1 } : null;
}

/** A definition `[label]: destination "title"` at the beginning of a paragraph's text, and where the rest begins. */
export function definitionAt(text: string): { label: string; target: Target; end: number } | null {
  const label = labelAt(text, 0);
  if (!label || text[label.end] !== ":" || label.label.trim() === "") return null;
  const found = destinationAt(text, skipSpace(text, label.end + 1));
  if (!found || (found.destination === "" && text[found.end - 1] !== ">")) return null;
  const title = titleAt(text, skipSpace(text, found.end));
  const spaced = skipSpace(text, found.end) > found.end;
  if (title && spaced) {
    const rest = at(REST_OF_LINE, text, title.end);
    if (rest) {
      return {
        label: normalLabel(label.label),
        target: { destination: found.destination, title: title.title },
        end: title.end + rest[0].length,
      };
    }
  }
  // What looked like a title may be the next line's text: then the definition ends with its own line.
  const rest = at(REST_OF_LINE, text, found.end);
  return (
    rest && { label: normalLabel(label.label), target: { destination: found.destination }, end: found.end + rest[0].length }
  );
}
