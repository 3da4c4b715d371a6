// Pieces of code that somebody keeps, in this browser.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

export interface Snippet {
  id: string;
  name: string;
  language: string;
  text: string;
  /** Unix milliseconds. */
  changed: number;
}

interface Schema extends DBSchema {
  snippets: { key: string; value: Snippet };
}

let opened: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>("potluck-code", 1, {
    upgrade: (made) => void made.createObjectStore("snippets", { keyPath: "id" }),
  });
  return opened;
}

/** All of them, those changed last first. */
export async function listSnippets(): Promise<Snippet[]> {
  const all = await (await database()).getAll("snippets");
  return all.sort((a, b) => b.changed - a.changed);
}

export async function keepSnippet(snippet: Snippet): Promise<void> {
  await (await database()).put("snippets", snippet);
}

export async function dropSnippet(id: string): Promise<void> {
  await (await database()).delete("snippets", id);
}
