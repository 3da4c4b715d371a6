/** Inline text while it is being read: a chain of pieces, some of them runs of `*`, `_` or `~~` that may yet become emphasis. */

import type { Inline } from "./nodes";

/** Deeper than this, formatting is dropped and the text kept: nobody writes it, and a page of a thousand nested spans would not lay out. */
const NESTING = 20;

export interface Run {
  char: string;
  count: number;
  /** How many there were at first; the rule of three is about those. */
  original: number;
  canOpen: boolean;
  canClose: boolean;
  piece: Piece;
  before: Run | null;
  after: Run | null;
}

export interface Piece {
  inline: Inline;
  depth: number;
  before: Piece | null;
  after: Piece | null;
}

export class Chain {
  first: Piece | null = null;
  last: Piece | null = null;
  lastRun: Run | null = null;

  push(inline: Inline): Piece {
    const piece: Piece = { inline, depth: 1, before: this.last, after: null };
    if (this.last) this.last.after = piece;
    else this.first = piece;
    this.last = piece;
    return piece;
  }

  text(text: string): void {
    this.push({ type: "text", text });
  }

  pushRun(text: string, canOpen: boolean, canClose: boolean): void {
    const piece = this.push({ type: "text", text });
    const run: Run = {
      char: text.charAt(0),
      count: text.length,
      original: text.length,
      canOpen,
      canClose,
      piece,
      before: this.lastRun,
      after: null,
    };
    if (this.lastRun) this.lastRun.after = run;
    this.lastRun = run;
  }

  remove(piece: Piece): void {
    if (piece.before) piece.before.after = piece.after;
    else this.first = piece.after;
    if (piece.after) piece.after.before = piece.before;
    else this.last = piece.before;
  }

  removeRun(run: Run): void {
    if (run.before) run.before.after = run.after;
    if (run.after) run.after.before = run.before;
    else this.lastRun = run.before;
  }

  /** Put what lies between two pieces (`to` null: to the end) into one made of it. */
  wrap(from: Piece, to: Piece | null, make: (children: Inline[]) => Inline): void {
    const inside: Piece[] = [];
    for (let piece = from.after; piece && piece !== to; piece = piece.after) inside.push(piece);
    const depth = 1 + inside.reduce((deepest, piece) => Math.max(deepest, piece.depth), 0);
    if (depth > NESTING) return;
    const piece: Piece = { inline: make(merged(inside)), depth, before: from, after: to };
    from.after = piece;
    if (to) to.before = piece;
    else this.last = piece;
  }

  /** All that is there now. */
  inlines(): Inline[] {
    const all: Piece[] = [];
    for (let piece = this.first; piece; piece = piece.after) all.push(piece);
    return merged(all);
  }
}

/** Texts that stand side by side become one. */
function merged(pieces: Iterable<Piece>): Inline[] {
  const inlines: Inline[] = [];
  for (const { inline } of pieces) {
    const last = inlines.at(-1);
    if (inline.type !== "text") inlines.push(inline);
    else if (last?.type === "text") last.text += inline.text;
    else if (inline.text !== "") inlines.push({ type: "text", text: inline.text });
  }
  return inlines;
}
