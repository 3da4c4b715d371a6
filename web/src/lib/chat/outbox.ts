// Messages that were written here and are not with the service yet. Pure: `stores/chat/outbox` keeps and sends them.
import type { Ask } from "./ask";
import type { Trouble } from "./message";

export interface Letter {
  /** The idempotency key: however often it is sent, it is said once. Also the id of its message until it has one. */
  key: string;
  /** Whose chat: the conversation's id, or the local name of one that does not exist yet ("new-…"). */
  chat: string;
  ask: Ask;
  writtenMs: number;
  /** How often it was tried. */
  tries: number;
  /** The service refused it; it is sent again only when somebody asks for that. */
  refused: Trouble | null;
}

export const NEW = "new-";

/** Whether a chat has no conversation at the service yet. */
export function isLocal(chat: string): boolean {
  return chat.startsWith(NEW);
}

/** What the answer to a letter is called until the service names it. */
export function answerTo(key: string): string {
  return `${key}/answer`;
}

/** The letters to send now. New messages of one chat go one after the other, each when the one before is answered; `busy`
 * are chats in which an answer comes. Other answers to what was said already wait for nothing. */
export function sendable(letters: readonly Letter[], busy: ReadonlySet<string>): Letter[] {
  const blocked = new Set(busy);
  return [...letters].sort(byAge).filter((each) => {
    // What was refused stays in its place, and does not hold up what was written after it.
    if (each.refused !== null) return false;
    if (each.ask.kind !== "say") return true;
    if (blocked.has(each.chat)) return false;
    blocked.add(each.chat);
    return true;
  });
}

function byAge(a: Letter, b: Letter): number {
  return a.writtenMs - b.writtenMs || (a.key < b.key ? -1 : 1);
}

/** Letters of a chat after something in it got its real name: the chat itself, or a message that they follow. Only those
 * that are different now. */
export function readdressed(letters: readonly Letter[], chat: string, from: string, to: string): Letter[] {
  return letters.filter((each) => each.chat === chat).flatMap((each): Letter[] => {
    if (each.chat === from) return [{ ...each, chat: to }];
    const { ask } = each;
    if (ask.kind === "say") return ask.after === from ? [{ ...each, ask: { ...ask, after: to } }] : [];
    return ask.message === from ? [{ ...each, ask: { ...ask, message: to } }] : [];
  });
}

/** Whether a letter must wait for the name of what it is about: an answer that has none, or a question that is not said. */
export function nameless(letter: Letter, unsaid: ReadonlySet<string>): boolean {
  const about = letter.ask.kind === "say" ? letter.ask.after : letter.ask.message;
  return about !== null && (about.endsWith("/answer") || unsaid.has(about));
}
