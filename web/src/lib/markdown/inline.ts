/** Text of a paragraph, heading or cell -> inline nodes. CommonMark 0.31 with GFM's strike-through and bare addresses, maths and footnotes. */

import { ENTITY, entity } from "./entities";
import { flanking, presume, resolve, settle } from "./emphasis";
import { inlineTarget, labelAt, type Target } from "./links";
import { inlineMaths } from "./maths";
import type { Inline } from "./nodes";
import { Chain, type Piece, type Run } from "./pieces";
import { plainText } from "./plain";
import type { Lookup } from "./references";
import { imageSource, safeHref } from "./urls";

export interface InlineContext {
  lookup: Lookup;
  /** The portal's own origin, which no answer may link to. */
  own: string | null;
  /** Whether more text may follow: then what is open is shown as if it were closed. */
  open: boolean;
}

export function parseInlines(source: string, context: InlineContext): Inline[] {
  return new InlineParser(source, context).parse();
}

interface Bracket {
  piece: Piece;
  image: boolean;
  /** Where the text in it begins. */
  start: number;
  runBefore: Run | null;
  /** A link cannot hold another: openers before one are put out. */
  active: boolean;
  /** A bracket inside: then the text is no reference by itself. */
  nested: boolean;
}

const PLAIN = /[^\n`\\*_~[\]!<&$]+/y;
const TICKS = /`+/g;
const ADDRESS_BEGINS = /(?<![A-Za-z0-9/.:@-])(?:https?:\/\/|www\.)(?=[^\s.])/gi;
const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"`[\]|\\，。；、）】」』》]{1,2000}/iy;
const AUTOLINK = /<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,2000})>/y;
const MAIL = /<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8})>/y;
const TAG =
  /<(?:[A-Za-z][A-Za-z0-9-]{0,63}(?:\s+[A-Za-z_:][\w.:-]{0,200}(?:\s*=\s*(?:[^\s"'=<>`]{1,2000}|'[^']{0,2000}'|"[^"]{0,2000}"))?){0,64}\s*\/?|\/[A-Za-z][A-Za-z0-9-]{0,63}\s*|!--(?:[^-]|-(?!->)){0,2000}--|![A-Za-z][^>]{0,2000}|\?[^?]{0,2000}\?)>/y;
const BREAK = /^<br\s*\/?>$/i;
const FOOTNOTE = /\[\^([^\s\]]{1,100})\]/y;
const UNFINISHED_TARGET = /\([^\s()]*$/y;
/** A link's text that is still being written is at most this long; beyond, the bracket is just a bracket. */
const UNFINISHED_TEXT = 200;

class InlineParser {
  private readonly chain = new Chain();
  private readonly brackets: Bracket[] = [];
  private position = 0;
  private ticks: Map<number, number> | null = null;
  /** Where the plain text at the position ends, and where the next address after it begins: each found once. */
  private plainEnd = 0;
  private nextAddress = -1;

  constructor(
    private readonly source: string,
    private readonly context: InlineContext,
  ) {}

  parse(): Inline[] {
    while (this.position < this.source.length) this.step();
    if (this.context.open) this.hideOpenBracket();
    resolve(this.chain, null);
    if (this.context.open) presume(this.chain);
    else settle(this.chain, null);
    return this.chain.inlines();
  }

  private step(): void {
    const char = this.source.charAt(this.position);
    switch (char) {
      case "\n":
        return this.newline();
      case "`":
        return this.codeSpan();
      case "\\":
        return this.backslash();
      case "*":
      case "_":
      case "~":
        return this.run(char);
      case "[":
        return this.openBracket();
      case "!":
        return this.source[this.position + 1] === "[" ? this.pushBracket("![", true) : this.take(1);
      case "]":
        return this.closeBracket();
      case "<":
        return this.angle();
      case "&":
        return this.reference();
      case "$":
        return this.maths();
      default:
        return this.plain();
    }
  }

  /** The match of a sticky pattern here, passed over. */
  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.source);
    if (match) this.position += match[0].length;
    return match;
  }

  private take(length: number): void {
    this.chain.text(this.source.slice(this.position, this.position + length));
    this.position += length;
  }

  private plain(): void {
    if (this.position >= this.plainEnd) {
      PLAIN.lastIndex = this.position;
      this.plainEnd = this.position + (PLAIN.exec(this.source)?.[0].length ?? 1);
    }
    if (this.position > this.nextAddress) {
      ADDRESS_BEGINS.lastIndex = this.position;
      this.nextAddress = ADDRESS_BEGINS.exec(this.source)?.index ?? Infinity;
    }
    if (this.nextAddress === this.position) this.bareAddress();
    else this.take(Math.min(this.plainEnd, this.nextAddress) - this.position);
  }

  private bareAddress(): void {
    ADDRESS.lastIndex = this.position;
    const text = withoutTail(ADDRESS.exec(this.source)?.[0] ?? "");
    const href = safeHref(/^www\./i.test(text) ? `https://${text}` : text, this.context.own);
    if (href === undefined) return this.take(Math.max(text.length, 1));
    this.chain.push({ type: "link", href, children: [{ type: "text", text }] });
    this.position += text.length;
  }

  private newline(): void {
    this.position += 1;
    const last = this.chain.last?.inline;
    const spaces = last?.type === "text" ? (/ +$/.exec(last.text)?.[0].length ?? 0) : 0;
    if (last?.type === "text" && spaces > 0) last.text = last.text.slice(0, -spaces);
    if (spaces >= 2) this.chain.push({ type: "break" });
    else this.chain.text("\n");
    while (this.source[this.position] === " ") this.position += 1;
  }

  private codeSpan(): void {
    TICKS.lastIndex = this.position;
    const length = TICKS.exec(this.source)?.[0].length ?? 1;
    const begin = this.position + length;
    const end = this.closingTicks(length, begin);
    if (end === -1) {
      if (!this.context.open) return this.take(length);
      if (begin < this.source.length) this.chain.push({ type: "code", text: this.source.slice(begin).replace(/\n/g, " ") });
      this.position = this.source.length;
      return;
    }
    const text = this.source.slice(begin, end).replace(/\n/g, " ");
    const padded = text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "";
    this.chain.push({ type: "code", text: padded ? text.slice(1, -1) : text });
    this.position = end + length;
  }

  private closingTicks(length: number, from: number): number {
    if (!this.ticks) {
      this.ticks = new Map();
      for (const run of this.source.matchAll(TICKS)) this.ticks.set(run[0].length, run.index);
    }
    if ((this.ticks.get(length) ?? -1) < from) return -1;
    TICKS.lastIndex = from;
    for (let run = TICKS.exec(this.source); run; run = TICKS.exec(this.source)) {
      if (run[0].length === length) return run.index;
    }
    return -1;
  }

  private backslash(): void {
    const next = this.source.charAt(this.position + 1);
    if (next === "(" || next === "[") {
      const found = inlineMaths(this.source, this.position);
      if (found) return this.pushMaths(found);
    }
    if (next === "\n") {
      this.position += 2;
      this.chain.push({ type: "break" });
      while (this.source[this.position] === " ") this.position += 1;
    } else if (/[!-/:-@[-`{-~]/.test(next)) {
      this.chain.text(next);
      this.position += 2;
    } else this.take(1);
  }

  private maths(): void {
    const found = inlineMaths(this.source, this.position);
    if (found) this.pushMaths(found);
    else this.take(this.source[this.position + 1] === "$" ? 2 : 1);
  }

  private pushMaths(found: { tex: string; display: boolean; end: number }): void {
    this.chain.push({ type: "math", tex: found.tex, display: found.display });
    this.position = found.end;
  }

  private run(char: string): void {
    const start = this.position;
    while (this.source[this.position] === char) this.position += 1;
    const text = this.source.slice(start, this.position);
    if (char === "~" && text.length !== 2) return this.chain.text(text);
    const { canOpen, canClose } = flanking(
      char,
      characterBefore(this.source, start),
      characterAt(this.source, this.position),
    );
    this.chain.pushRun(text, canOpen, canClose);
  }

  private openBracket(): void {
    const match = this.match(FOOTNOTE);
    if (match) {
      const number = this.context.lookup.footnote(match[1] ?? "");
      if (number !== undefined) {
        this.chain.push({ type: "footnote", number, label: match[1] ?? "" });
        return;
      }
      this.position -= match[0].length;
    }
    this.pushBracket("[", false);
  }

  private pushBracket(text: string, image: boolean): void {
    const around = this.brackets.at(-1);
    if (around) around.nested = true;
    this.position += text.length;
    const piece = this.chain.push({ type: "text", text });
    this.brackets.push({ piece, image, start: this.position, runBefore: this.chain.lastRun, active: true, nested: false });
  }

  private closeBracket(): void {
    const at = this.position;
    this.position += 1;
    const opener = this.brackets.pop();
    const target = opener?.active === true ? this.targetOf(opener, at) : null;
    if (!opener || !target) return this.chain.text("]");
    resolve(this.chain, opener.runBefore);
    settle(this.chain, opener.runBefore);
    this.chain.wrap(opener.piece, null, (children) => this.linked(opener, target, children));
    this.chain.remove(opener.piece);
    if (!opener.image) for (const bracket of this.brackets) if (!bracket.image) bracket.active = false;
  }

  private linked(opener: Bracket, target: Target, children: Inline[]): Inline {
    if (opener.image && this.context.open && target.destination === "") return { type: "text", text: "" };
    if (opener.image)
      return { type: "image", source: imageSource(target.destination, this.context.own), alt: plainText(children) };
    const link: Inline = {
      type: "link",
      children: children.flatMap((child) => (child.type === "link" ? child.children : [child])),
    };
    const href = safeHref(target.destination, this.context.own);
    if (href !== undefined) link.href = href;
    if (target.title !== undefined) link.title = target.title;
    return link;
  }

  /** Where the bracket that closes at `at` leads, in the order of the standard: beside it, by a label, by its own text. */
  private targetOf(opener: Bracket, at: number): Target | null {
    const inline = inlineTarget(this.source, this.position);
    if (inline) {
      this.position = inline.end;
      return inline.target;
    }
    if (this.context.open && this.match(UNFINISHED_TARGET)) return { destination: "" };
    const label = labelAt(this.source, this.position);
    const own = at - opener.start > 999 ? "" : this.source.slice(opener.start, at);
    const name = label && label.label !== "" ? label.label : opener.nested ? "" : own;
    const target = name.trim() === "" ? undefined : this.context.lookup.link(name);
    if (target && label) this.position = label.end;
    return target ?? null;
  }

  private angle(): void {
    const address = this.match(AUTOLINK) ?? this.match(MAIL);
    if (address) {
      const text = address[1] ?? "";
      const href = safeHref(/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) ? text : `mailto:${text}`, this.context.own);
      const children: Inline[] = [{ type: "text", text }];
      this.chain.push(href === undefined ? { type: "html", text: address[0] } : { type: "link", href, children });
      return;
    }
    const tag = this.match(TAG);
    if (!tag) return this.take(1);
    this.chain.push(BREAK.test(tag[0]) ? { type: "break" } : { type: "html", text: tag[0] });
  }

  private reference(): void {
    const match = this.match(ENTITY);
    const character = match && entity(match);
    if (match && typeof character === "string") this.chain.text(character);
    else {
      this.position -= match?.[0].length ?? 0;
      this.take(1);
    }
  }

  /** A link whose text is still being written is shown without its bracket; of an image nothing is shown before it is whole. */
  private hideOpenBracket(): void {
    const opener = this.brackets.at(-1);
    if (!opener?.active || this.source.length - opener.start > UNFINISHED_TEXT || this.source.includes("\n", opener.start))
      return;
    if (opener.image) {
      settle(this.chain, opener.runBefore);
      while (opener.piece.after) this.chain.remove(opener.piece.after);
    }
    this.chain.remove(opener.piece);
  }
}

/** What belongs to the sentence and not to the address at its end. */
function withoutTail(address: string): string {
  let end = address.length;
  for (;;) {
    const last = address.charAt(end - 1);
    const unbalanced = last === ")" && count(address, ")", end) > count(address, "(", end);
    if (!/[?!.,:*_~'";$]/.test(last) && !unbalanced) return address.slice(0, end);
    end -= 1;
  }
}

function count(text: string, char: string, end: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at !== -1 && at < end; at = text.indexOf(char, at + 1)) found += 1;
  return found;
}

function characterAt(text: string, position: number): string {
  const code = text.codePointAt(position);
  return code === undefined ? "" : String.fromCodePoint(code);
}

function characterBefore(text: string, position: number): string {
  const low = text.charAt(position - 1);
  return /[\udc00-\udfff]/.test(low) && position >= 2 ? characterAt(text, position - 2) : low;
}
