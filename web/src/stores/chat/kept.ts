// What this browser keeps of the chat: messages that are not with the service yet, and drafts. One database for each
// user, so that people who share a browser do not find each other's words.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";

import type { Enclosed } from "../../lib/chat/ask";
import type { Letter } from "../../lib/chat/outbox";

export interface Draft {
  chat: string;
  text: string;
  enclosed: readonly Enclosed[];
}

interface Kept extends DBSchema {
  letters: { key: string; value: Letter };
  drafts: { key: string; value: Draft };
}

export class Shelf {
  private database: Promise<IDBPDatabase<Kept>> | null = null;

  constructor(private readonly user: string) {}

  letters(): Promise<Letter[]> {
    return this.tried((db) => db.getAll("letters"), []);
  }
  putLetter(letter: Letter): Promise<void> {
    return this.tried((db) => db.put("letters", letter).then(() => undefined), undefined);
  }
  dropLetter(key: string): Promise<void> {
    return this.tried((db) => db.delete("letters", key), undefined);
  }

  draft(chat: string): Promise<Draft | undefined> {
    return this.tried((db) => db.get("drafts", chat), undefined);
  }
  /** An empty one is forgotten. */
  putDraft(draft: Draft): Promise<void> {
    if (draft.text === "" && draft.enclosed.length === 0) return this.tried((db) => db.delete("drafts", draft.chat), undefined);
    return this.tried((db) => db.put("drafts", draft).then(() => undefined), undefined);
  }

  /** Where the browser keeps nothing (a private window of some), the chat works all the same. */
  private async tried<T>(act: (db: IDBPDatabase<Kept>) => Promise<T>, otherwise: T): Promise<T> {
    try {
      this.database ??= openDB<Kept>(`potluck-${this.user}`, 1, {
        upgrade(db) {
          db.createObjectStore("letters", { keyPath: "key" });
          db.createObjectStore("drafts", { keyPath: "chat" });
        },
      });
      return await act(await this.database);
    } catch (error) {
      if (!(error instanceof DOMException) && !(error instanceof ReferenceError)) throw error;
      return otherwise;
    }
  }
}
