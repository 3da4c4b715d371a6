// Code -> stretches of it that have a colour. Runs in a worker: a grammar's expressions may take their time on hostile text.
import type { Emitter, HLJSOptions } from "highlight.js";
import hljs from "highlight.js/lib/core";

import { INSIDE, loadLanguage } from "./languages";
import { languageOf } from "./names";

/** Characters beyond which code stays plain. */
export const LIMIT = 60_000;

/** Colours of code: `--code-…` of the tokens. */
export const COLOURS = ["keyword", "string", "comment", "number", "title", "type", "name", "meta", "added", "removed"] as const;
export type Colour = (typeof COLOURS)[number];

/** From, to (offsets of characters), and the colour. */
export type Span = readonly [from: number, to: number, colour: Colour];

const SCOPES: Readonly<Record<string, Colour>> = {
  keyword: "keyword", "selector-tag": "keyword", operator: "keyword", "template-tag": "keyword", tag: "name", name: "keyword", doctag: "keyword",
  string: "string", regexp: "string", char: "string", "char.escape": "string", link: "string", code: "string", formula: "string",
  comment: "comment", quote: "comment",
  number: "number", literal: "number", symbol: "number", bullet: "number",
  title: "title", "title.function": "title", function: "title", section: "title", "selector-id": "title", "selector-class": "title",
  type: "type", class: "type", "title.class": "type", "title.class.inherited": "type", built_in: "type",
  attr: "name", attribute: "name", property: "name", variable: "name", "variable.language": "keyword", "variable.constant": "number",
  "template-variable": "name", "selector-attr": "name", "selector-pseudo": "name",
  meta: "meta", "meta.prompt": "meta", "meta.keyword": "keyword", "meta.string": "string",
  addition: "added", deletion: "removed",
};

/** Takes what highlight.js finds as offsets, where its own makes a text of HTML. */
class Spans implements Emitter {
  readonly found: Span[] = [];
  private length = 0;
  private readonly open: { colour: Colour | undefined; from: number }[] = [];

  constructor(_options: HLJSOptions) {}

  addText(text: string): void {
    const colour = this.open.findLast((scope) => scope.colour !== undefined)?.colour;
    const from = this.length;
    this.length += text.length;
    const last = this.found.at(-1);
    if (colour === undefined || text === "") return;
    if (last?.[1] === from && last[2] === colour) this.found[this.found.length - 1] = [last[0], this.length, colour];
    else this.found.push([from, this.length, colour]);
  }

  startScope(name: string): void {
    this.open.push({ colour: SCOPES[name], from: this.length });
  }

  endScope(): void {
    this.open.pop();
  }

  openNode(name: string): void {
    this.startScope(name);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(inner: Emitter): void {
    if (!(inner instanceof Spans)) return;
    for (const [from, to, colour] of inner.found) this.found.push([from + this.length, to + this.length, colour]);
    this.length += inner.length;
  }

  finalize(): void {}

  toHTML(): string {
    return "";
  }
}

hljs.configure({ __emitter: Spans });

/** The coloured stretches of a piece of code; none for a language that is not known, or for very long code. */
export async function spansOf(code: string, word: string): Promise<Span[]> {
  const name = languageOf(word);
  if (name === null || code.length > LIMIT) return [];
  for (const each of [name, ...(INSIDE[name] ?? [])]) {
    if (!hljs.getLanguage(each)) hljs.registerLanguage(each, await loadLanguage(each));
  }
  const emitter: unknown = hljs.highlight(code, { language: name, ignoreIllegals: true })._emitter;
  return emitter instanceof Spans ? emitter.found : [];
}
