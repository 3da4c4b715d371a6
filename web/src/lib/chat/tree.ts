// A conversation is a tree: several answers to one question, or several wordings of one question, are siblings. Pure.
import type { Message } from "./message";

export class Tree {
  private readonly byId = new Map<string, Message>();
  private readonly below = new Map<string | null, Message[]>();

  /** `messages` in the order of writing. One whose parent is not there stands at the beginning. */
  constructor(messages: Iterable<Message>) {
    for (const each of messages) {
      this.byId.set(each.id, each);
      const parent = each.parent !== null && this.byId.has(each.parent) ? each.parent : null;
      const list = this.below.get(parent);
      if (list) list.push(each);
      else this.below.set(parent, [each]);
    }
  }

  get(id: string): Message | undefined {
    return this.byId.get(id);
  }

  get size(): number {
    return this.byId.size;
  }

  children(id: string | null): readonly Message[] {
    return this.below.get(id) ?? [];
  }

  /** A message and those beside it with the same parent and role, oldest first. */
  siblings(id: string): readonly Message[] {
    const message = this.byId.get(id);
    if (!message) return [];
    const all = this.children(this.parentOf(message)).filter((each) => each.role === message.role);
    return all.sort((a, b) => a.createdMs - b.createdMs);
  }

  /** Where the newest branch below a message ends; from null, the newest of all. */
  leafUnder(id: string | null): string | null {
    let at = id;
    for (;;) {
      const next = this.children(at).at(-1);
      if (!next) return at;
      at = next.id;
    }
  }

  /** The messages from the first to `leaf`; to the newest where there is no such message. A question is shown with its
   * newest answer. */
  branch(leaf: string | null): readonly Message[] {
    const path: Message[] = [];
    const last = leaf === null ? undefined : this.byId.get(leaf);
    const from = last && last.role !== "user" ? last.id : this.leafUnder(last?.id ?? null);
    let at = from === null ? undefined : this.byId.get(from);
    while (at) {
      path.push(at);
      const parent = this.parentOf(at);
      at = parent === null ? undefined : this.byId.get(parent);
    }
    return path.reverse();
  }

  /** The leaf to show for the sibling `step` further on (-1: before), round the end; null where there is no other. */
  beside(id: string, step: number): string | null {
    const all = this.siblings(id);
    if (all.length < 2) return null;
    const place = all.findIndex((each) => each.id === id);
    const other = all[(place + step + all.length) % all.length];
    return other ? this.leafUnder(other.id) : null;
  }

  private parentOf(message: Message): string | null {
    return message.parent !== null && this.byId.has(message.parent) ? message.parent : null;
  }
}

/** A list with some messages put in or replaced; new ones at the end, in their order. */
export function merged(messages: readonly Message[], news: Iterable<Message>): readonly Message[] {
  const found = new Map(messages.map((each) => [each.id, each]));
  for (const each of news) found.set(each.id, each);
  return [...found.values()];
}
