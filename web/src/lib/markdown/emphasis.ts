/** CommonMark's procedure for emphasis, and GFM's `~~`: https://spec.commonmark.org/0.31.2/#phase-2-inline-structure */

import type { Inline } from "./nodes";
import type { Chain, Run } from "./pieces";

const SPACE = /^\s?$/;
const PUNCTUATION = /[\p{P}\p{S}]/u;

/** Whether a run may open or close emphasis, by the characters beside it (empty: the text's edge). */
export function flanking(char: string, before: string, after: string): { canOpen: boolean; canClose: boolean } {
  const left = !SPACE.test(after) && (!PUNCTUATION.test(after) || SPACE.test(before) || PUNCTUATION.test(before));
  const right = !SPACE.test(before) && (!PUNCTUATION.test(before) || SPACE.test(after) || PUNCTUATION.test(after));
  if (char !== "_") return { canOpen: left, canClose: right };
  return { canOpen: left && (!right || PUNCTUATION.test(before)), canClose: right && (!left || PUNCTUATION.test(after)) };
}

/** Resolve the runs after `bottom` (null: all). */
export function resolve(chain: Chain, bottom: Run | null): void {
  // Where an opener was sought in vain, nobody of the same kind need look again: it keeps hostile text linear.
  const floors = new Map<string, Run | null>();
  let closer = firstAfter(chain, bottom);
  while (closer) {
    if (!closer.canClose) {
      closer = closer.after;
      continue;
    }
    const kind = `${closer.char}${closer.canOpen ? 1 : 0}${closer.original % 3}`;
    const floor = floors.has(kind) ? (floors.get(kind) ?? null) : bottom;
    const opener = openerOf(closer, floor, bottom);
    if (opener) {
      closer = pair(chain, opener, closer);
    } else {
      floors.set(kind, closer.before);
      const next: Run | null = closer.after;
      if (!closer.canOpen) chain.removeRun(closer);
      closer = next;
    }
  }
}

/** Forget the runs after `bottom`: what is left of them is text. */
export function settle(chain: Chain, bottom: Run | null): void {
  while (chain.lastRun && chain.lastRun !== bottom) chain.removeRun(chain.lastRun);
}

/**
 * While text is still coming: what was opened is taken to reach to its end, and signs at the very end, of which nobody can tell
 * yet what they will be, are not shown. So words do not jump from stars to bold when the closing ones arrive.
 */
export function presume(chain: Chain): void {
  for (let run = chain.lastRun; run; run = run.before) {
    const nothingFollows = run.piece.after === null;
    if (!nothingFollows && !run.canOpen) continue;
    if (!nothingFollows) {
      if (run.count % 2 === 1 && run.char !== "~") chain.wrap(run.piece, null, around("emphasis"));
      if (run.count >= 2) chain.wrap(run.piece, null, around(run.char === "~" ? "strike" : "strong"));
    }
    chain.remove(run.piece);
  }
  settle(chain, null);
}

const around =
  (type: "emphasis" | "strong" | "strike") =>
  (children: Inline[]): Inline => ({ type, children });

function firstAfter(chain: Chain, bottom: Run | null): Run | null {
  let run = chain.lastRun;
  while (run && run.before !== bottom) run = run.before;
  return run;
}

function openerOf(closer: Run, floor: Run | null, bottom: Run | null): Run | null {
  for (let run = closer.before; run && run !== floor && run !== bottom; run = run.before) {
    if (run.char !== closer.char || !run.canOpen) continue;
    const three =
      (run.canClose || closer.canOpen) && closer.original % 3 !== 0 && (run.original + closer.original) % 3 === 0;
    if (!three) return run;
  }
  return null;
}

/** One pair of signs becomes emphasis; the next closer to look at. */
function pair(chain: Chain, opener: Run, closer: Run): Run | null {
  const used = opener.count >= 2 && closer.count >= 2 ? 2 : 1;
  for (let run = closer.before; run && run !== opener; run = run.before) chain.removeRun(run);
  for (const run of [opener, closer]) {
    run.count -= used;
    run.piece.inline = { type: "text", text: run.char.repeat(run.count) };
  }
  chain.wrap(opener.piece, closer.piece, around(closer.char === "~" ? "strike" : used === 2 ? "strong" : "emphasis"));
  if (opener.count === 0) {
    chain.remove(opener.piece);
    chain.removeRun(opener);
  }
  if (closer.count > 0) return closer;
  const next = closer.after;
  chain.remove(closer.piece);
  chain.removeRun(closer);
  return next;
}
