// Folders, pins and the archive: what stands where in the list of conversations.
import type { Schema } from "../../lib/api";
import { api } from "../client";
import { session } from "../session.svelte";
import { conversations, type Entry, entryOf } from "./conversations.svelte";

export type Folder = Schema<"FolderInfo">;
type Patch = Schema<"ConversationPatch">;

class Folders {
  private own = $state.raw<readonly Folder[] | null>(null);
  all = $derived<readonly Folder[]>(this.own ?? session.boot?.folders ?? []);

  async create(name: string): Promise<Folder> {
    const made = await api.post("/api/v1/folders", { body: { name } });
    this.own = [...this.all, made];
    return made;
  }
  async rename(id: string, name: string): Promise<void> {
    const changed = await api.patch("/api/v1/folders/{folder}", { path: { folder: id }, body: { name } });
    this.own = this.all.map((each) => (each.id === id ? changed : each));
  }
  /** What is in it stays. */
  async remove(id: string): Promise<void> {
    await api.delete("/api/v1/folders/{folder}", { path: { folder: id } });
    this.own = this.all.filter((each) => each.id !== id);
  }
}

export const folders = new Folders();

/** Changes a conversation at the service, and its line in the list. */
export async function change(id: string, body: Patch): Promise<Entry> {
  const entry = entryOf(await api.patch("/api/v1/conversations/{conversation}", { path: { conversation: id }, body }));
  conversations.put(entry);
  return entry;
}
