/** What an answer's labels stand for, and who still waits for one. */

import { normalLabel, type Target } from "./links";

export interface Lookup {
  /** The target of a label, or undefined; who asks for one that is not known yet is told of it later. */
  link(label: string): Target | undefined;
  /** The number of a footnote, or undefined. */
  footnote(label: string): number | undefined;
}

/** A footnote's label among the links': no link's label can begin like this. */
const footnoteKey = (label: string): string => `[^${normalLabel(label)}`;

/** Definitions count wherever they stand, so text before them may have to be read again. */
export class References {
  private readonly links = new Map<string, Target>();
  private readonly footnotes = new Map<string, number>();
  private readonly waiting = new Map<string, Set<() => void>>();

  /** The first definition of a label is the one that counts. */
  define(label: string, target: Target): void {
    if (this.links.has(label)) return;
    this.links.set(label, target);
    this.wake(label);
  }

  /** The number of a new footnote, in the order of their definitions. */
  defineFootnote(label: string): number {
    const key = footnoteKey(label);
    const known = this.footnotes.get(key);
    if (known !== undefined) return known;
    const number = this.footnotes.size + 1;
    this.footnotes.set(key, number);
    this.wake(key);
    return number;
  }

  /** A lookup that calls `again` when a label that was asked for in vain is defined after all. */
  watched(again: () => void): Lookup {
    const wait = (key: string): undefined => {
      const others = this.waiting.get(key) ?? new Set();
      this.waiting.set(key, others.add(again));
    };
    return {
      link: (label) => this.links.get(normalLabel(label)) ?? wait(normalLabel(label)),
      footnote: (label) => this.footnotes.get(footnoteKey(label)) ?? wait(footnoteKey(label)),
    };
  }

  /** A lookup for text that is read again in any case. */
  known(): Lookup {
    return {
      link: (label) => this.links.get(normalLabel(label)),
      footnote: (label) => this.footnotes.get(footnoteKey(label)),
    };
  }

  private wake(key: string): void {
    const waiting = this.waiting.get(key);
    this.waiting.delete(key);
    for (const again of waiting ?? []) again();
  }
}
