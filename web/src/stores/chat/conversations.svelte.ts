// The list of conversations: the first page comes with the portal's start, others when somebody scrolls to them.
import type { Schema } from "../../lib/api";
import type { Listed } from "../../lib/chat/groups";
import { api } from "../client";
import { type ConversationsChanged, events } from "../events.svelte";
import { session } from "../session.svelte";

type Told = Schema<"ConversationInfo">;

export interface Entry extends Listed {
  title: string;
  model: string;
  archived: boolean;
  folder: string | null;
  tags: readonly string[];
  /** Text around what was searched for; empty in the plain list. */
  snippet: string;
}

export function entryOf(told: Told): Entry {
  return {
    id: told.id,
    title: told.title,
    model: told.model,
    updatedMs: Date.parse(told.updated_at),
    pinned: told.pinned ?? false,
    archived: told.archived ?? false,
    folder: told.folder ?? null,
    tags: told.tags ?? [],
    snippet: told.match?.snippet ?? "",
  };
}

class Conversations {
  items = $state.raw<readonly Entry[]>([]);
  /** What a search has found; null where nobody searches. */
  found = $state.raw<readonly Entry[] | null>(null);
  private next = $state.raw<string | null>(null);
  more = $derived(this.next !== null);
  private started = false;
  private asking = 0;
  // Taken off the list, and deleted a little later.
  private readonly hidden = new Set<string>();

  /** Takes the page that came with the start, once, and hears of changes from then on. */
  start(): void {
    const boot = session.boot;
    if (this.started || !boot) return;
    this.started = true;
    const pinned = boot.pinned.map(entryOf);
    const known = new Set(pinned.map((each) => each.id));
    this.items = [...pinned, ...boot.conversations.conversations.map(entryOf).filter((each) => !known.has(each.id))];
    this.next = boot.conversations.next ?? null;
    events.hear((event, data) => {
      if (event === "conversations") void this.changed(data as ConversationsChanged);
    });
  }

  get(id: string): Entry | undefined {
    return this.items.find((each) => each.id === id);
  }

  async load(): Promise<void> {
    if (this.next === null) return;
    const page = await api.get("/api/v1/conversations", { query: { cursor: this.next, archived: false } });
    const known = new Set(this.items.map((each) => each.id));
    this.items = [...this.items, ...page.conversations.map(entryOf).filter((each) => !known.has(each.id))];
    this.next = page.next ?? null;
  }

  /** The archive, once. */
  async loadArchived(): Promise<void> {
    const page = await api.get("/api/v1/conversations", { query: { archived: true, limit: 200 } });
    const known = new Set(this.items.map((each) => each.id));
    this.items = [...this.items, ...page.conversations.map(entryOf).filter((each) => !known.has(each.id))];
  }

  async search(text: string): Promise<void> {
    const asking = ++this.asking;
    if (text.trim() === "") {
      this.found = null;
      return;
    }
    const page = await api.get("/api/v1/conversations", { query: { q: text.trim() } });
    // A later search may have been answered first.
    if (asking === this.asking) this.found = page.conversations.map(entryOf);
  }

  async rename(id: string, title: string): Promise<void> {
    this.put(entryOf(await api.patch("/api/v1/conversations/{conversation}", { path: { conversation: id }, body: { title } })));
  }

  /** Takes it off the list; whoever does so deletes it a little later, or puts it back. */
  hide(id: string): Entry | undefined {
    const entry = this.get(id);
    this.hidden.add(id);
    this.items = this.items.filter((each) => each.id !== id);
    this.found = this.found?.filter((each) => each.id !== id) ?? null;
    return entry;
  }

  async remove(id: string): Promise<void> {
    await api.delete("/api/v1/conversations/{conversation}", { path: { conversation: id }, keepalive: true });
  }

  put(entry: Entry): void {
    this.hidden.delete(entry.id);
    const rest = this.items.filter((each) => each.id !== entry.id);
    this.items = [entry, ...rest];
    this.found = this.found?.map((each) => (each.id === entry.id ? { ...entry, snippet: each.snippet } : each)) ?? null;
  }

  private async changed(told: ConversationsChanged): Promise<void> {
    if (told.all || told.changed.length > 0) await this.refresh();
  }

  /** Reads the first page anew. */
  async refresh(): Promise<void> {
    const page = await api.get("/api/v1/conversations", { query: { limit: 40, archived: false } }).catch(() => null);
    if (!page) return;
    const fresh = page.conversations.map(entryOf);
    const first = new Set(fresh.map((each) => each.id));
    const oldest = fresh.at(-1)?.updatedMs ?? 0;
    // What is older than the first page was not told of, and stays as it is; what is missing from it is gone.
    const rest = this.items.filter((each) => !first.has(each.id) && (each.archived || each.pinned || (page.next && each.updatedMs < oldest)));
    this.items = [...fresh, ...rest].filter((each) => !this.hidden.has(each.id));
    this.next ??= page.next ?? null;
  }
}

export const conversations = new Conversations();
