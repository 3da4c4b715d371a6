/** How blocks begin, seen from where a line's containers end. Each reads the cursor, and moves it only where its block begins. */

import type { Cursor } from "./cursor";
import { unescaped } from "./entities";
import type { Code, Footnote, Heading, Html, Item, List, Maths } from "./nodes";

const version = 0;

const HEADING = /^(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^(`{3,})([^`]*)$|^(~{3,})(.*)$/;
const RULE = /^(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/;
const BULLET = /^[*+-]/;
const NUMBER = /^(\d{1,9})([.)])/;
const TASK = /^\[([ xX])\](?=[ \t])/;
const FOOTNOTE = /^\[\^([^\s\]]{1,100})\]:/;

export function heading(cursor: Cursor): Heading | null {
  const match = HEADING.exec(cursor.trimmed);
  if (!match) return null;
  const text = cursor.trimmed
    .slice(match[0].length)
    .replace(/^[ \t]*#+[ \t]*$/, "")
    .replace(/[ \t]+#+[ \t]*$/, "");
  return { type: "heading", level: (match[1] ?? "#").length as Heading["level"], source: text.trim(), inlines: [], version };
}

export function isRule(cursor: Cursor): boolean {
  return RULE.test(cursor.trimmed);
}

export function fence(cursor: Cursor): Code | null {
  const match = FENCE.exec(cursor.trimmed);
  if (!match) return null;
  const marks = match[1] ?? match[3] ?? "";
  const info = unescaped((match[2] ?? match[4] ?? "").trim());
  return {
    type: "code",
    language: (/^[^\s{,:]*/.exec(info)?.[0] ?? "").toLowerCase(),
    text: "",
    closed: false,
    fence: { char: marks.charAt(0), length: marks.length, indent: cursor.indent },
    version,
  };
}

export function closesFence(cursor: Cursor, code: Code): boolean {
  if (!code.fence || cursor.indent > 3) return false;
  const match = /^(`{3,}|~{3,})[ \t]*$/.exec(cursor.trimmed);
  return match?.[1]?.charAt(0) === code.fence.char && match[1].length >= code.fence.length;
}

/** A formula by itself: the line begins with `$$` or `\[`, and what closes it, if it is there, ends the line. */
export function maths(cursor: Cursor): Maths | null {
  const text = cursor.trimmed.trimEnd();
  const opener = text.slice(0, 2);
  if (opener !== "$$" && opener !== "\\[") return null;
  const closer = opener === "$$" ? "$$" : "\\]";
  const rest = text.slice(2);
  const at = rest.indexOf(closer);
  const whole = at !== -1 && at === rest.length - 2;
  // `\[1\] said so` and `$$a$$ is` are text; a line that is not closed is a formula's beginning, unless it is prose.
  if ((at !== -1 && !whole) || (whole && rest.slice(0, at).trim() === "")) return null;
  return {
    type: "maths",
    tex: whole ? rest.slice(0, at).trim() : rest.trim(),
    closer,
    closed: whole,
    opening: text,
    version,
  };
}

/** A tag by which CommonMark begins an HTML block, and what ends it. */
const HTML: readonly (readonly [RegExp, RegExp | null])[] = [
  [/^<(?:script|pre|textarea|style)(?:\s|>|$)/i, /<\/(?:script|pre|textarea|style)>/i],
  [/^<!--/, /-->/],
  [/^<\?/, /\?>/],
  [/^<![A-Za-z]/, />/],
  [/^<!\[CDATA\[/, /\]\]>/],
  [
    /^<\/?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)(?:\s|\/?>|$)/i,
    null,
  ],
];
const LONE_TAG =
  /^(?:<[A-Za-z][A-Za-z0-9-]{0,63}(?:\s+[A-Za-z_:][\w.:-]{0,200}(?:\s*=\s*(?:[^\s"'=<>`]{1,2000}|'[^']{0,2000}'|"[^"]{0,2000}"))?){0,64}\s*\/?>|<\/[A-Za-z][A-Za-z0-9-]{0,63}\s*>)\s*$/;

export function html(cursor: Cursor, inParagraph: boolean): Html | null {
  const text = cursor.trimmed;
  if (!text.startsWith("<") || /^<br\s*\/?>/i.test(text)) return null;
  const kind = HTML.find(([begins]) => begins.test(text));
  if (kind) return { type: "html", text: "", end: kind[1], version };
  return !inParagraph && LONE_TAG.test(text) ? { type: "html", text: "", end: null, version } : null;
}

/** The list and item that a marker begins; the cursor is where the item's content begins. */
export function item(cursor: Cursor, inParagraph: boolean): { list: List; item: Item } | null {
  const text = cursor.trimmed;
  const number = NUMBER.exec(text);
  const marker = number?.[0] ?? BULLET.exec(text)?.[0];
  if (marker === undefined || !/^(?:[ \t]|$)/.test(text.slice(marker.length))) return null;
  if (inParagraph && ((number && Number(number[1]) !== 1) || text.slice(marker.length).trim() === "")) return null;
  const before = cursor.indent;
  cursor.skipSpace();
  cursor.skip(marker.length);
  const list: List = {
    type: "list",
    start: number ? Number(number[1]) : null,
    marker: number?.[2] ?? marker,
    children: [],
    version,
  };
  return {
    list,
    item: { type: "item", task: null, indent: before + marker.length + padding(cursor), children: [], version },
  };
}

/** Columns between marker and content; five or more mean that the content is indented code after one. */
function padding(cursor: Cursor): number {
  const spaces = cursor.indent;
  const some = spaces >= 1 && spaces <= 4 && !cursor.blank ? spaces : 1;
  cursor.skipColumns(some);
  return some;
}

/** The box of a task, taken from the beginning of an item's first paragraph. */
export function task(cursor: Cursor): boolean | null {
  const match = TASK.exec(cursor.trimmed);
  if (!match) return null;
  cursor.skipSpace();
  cursor.skip(match[0].length);
  cursor.skipSpace();
  return match[1] !== " ";
}

export function footnote(cursor: Cursor): Footnote | null {
  const match = FOOTNOTE.exec(cursor.trimmed);
  if (!match) return null;
  cursor.skipSpace();
  cursor.skip(match[0].length);
  cursor.skipSpace();
  return { type: "footnote", label: match[1] ?? "", number: 0, children: [], version };
}

export function setext(cursor: Cursor): 1 | 2 | null {
  const match = /^(=+|-+)[ \t]*$/.exec(cursor.trimmed);
  return match ? (match[1]?.startsWith("=") ? 1 : 2) : null;
}
