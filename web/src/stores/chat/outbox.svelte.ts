// What was written and is not answered yet: kept in this browser until the service has it, sent once, then followed.
import { type Answer, asked, failed } from "../../lib/chat/answer";
import type { Ask } from "../../lib/chat/ask";
import { blank, type Message, type Trouble } from "../../lib/chat/message";
import { answerTo, isLocal, type Letter, nameless, readdressed, sendable } from "../../lib/chat/outbox";
import { ApiError, shownError } from "../../lib/errors";
import { backOffMs } from "../../lib/sse";
import { newName } from "../names";
import { Shelf } from "./kept";
import { bodyOf, uploaded } from "./request";
import { Running } from "./running.svelte";

/** An answer under way and the question that it was sent with. */
export class Sent {
  /** The chat may get its conversation while it runs. */
  chat = $state("");
  constructor(readonly running: Running, chat: string, readonly letter: Letter | null) {
    this.chat = chat;
  }
  /** The message that was said with it, under its real name once that is known. */
  question: Message | null = $derived.by(() => {
    const ask = this.letter?.ask;
    if (!this.letter || ask?.kind !== "say") return null;
    const id = this.running.parent ?? this.letter.key;
    return { ...blank(id, ask.after, "user", ask.text, this.letter.writtenMs), attached: ask.enclosed };
  });
}

/** What a chat that is shown wants to hear. */
export interface Hearer {
  /** Something got its real name. */
  named(chat: string, from: string, to: string): void;
  /** An answer could not be gone on with. */
  refused(chat: string, message: string, trouble: Trouble): void;
  /** An answer has ended, heard or not. */
  ended(sent: Sent, heard: boolean): void;
}

export class Outbox {
  letters = $state.raw<readonly Letter[]>([]);
  sent = $state.raw<readonly Sent[]>([]);
  /** The network is away, as far as we know. */
  offline = $state(false);
  private hearers = new Set<Hearer>();
  private shelf: Shelf | null = null;
  private timer = 0;
  private tries = 0;

  /** Takes up what was left by the last page. Returns how to stop. */
  start(user: string): () => void {
    this.shelf = new Shelf(user);
    void this.shelf.letters().then((letters) => {
      const known = new Set(this.letters.map((each) => each.key));
      this.letters = [...letters.filter((each) => !known.has(each.key)), ...this.letters];
      this.flush();
    });
    const online = () => { this.offline = false; this.tries = 0; this.flush(); };
    const offline = () => (this.offline = true);
    addEventListener("online", online);
    addEventListener("offline", offline);
    this.offline = !navigator.onLine;
    return () => {
      removeEventListener("online", online);
      removeEventListener("offline", offline);
      clearTimeout(this.timer);
    };
  }

  hear(hearer: Hearer): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /** Keeps it, and sends it as soon as it can be. Returns its key. */
  add(chat: string, ask: Ask): string {
    const letter: Letter = { key: newName(), chat, ask, writtenMs: Date.now(), tries: 0, refused: null };
    this.letters = [...this.letters, letter];
    void this.shelf?.putLetter(letter);
    this.flush();
    return letter.key;
  }

  /** Sends again what was refused. */
  again(key: string): void {
    this.replace(this.kept(key).map((each) => ({ ...each, refused: null })));
    this.flush();
  }

  /** Takes back what was not sent; undefined where it is too late. */
  takeBack(key: string): Letter | undefined {
    const letter = this.letters.find((each) => each.key === key);
    if (!letter || this.sent.some((each) => each.letter?.key === key)) return undefined;
    this.drop(key);
    return letter;
  }

  /** Follows an answer that runs already. */
  follow(chat: string, running: Running): void {
    if (running.over || this.sent.some((each) => each.running.id === running.id)) return;
    const sent = new Sent(running, chat, null);
    this.sent = [...this.sent, sent];
    void running.run().then((ending) => this.ended(sent, ending === "heard"));
  }

  flush(): void {
    if (this.offline) return;
    const under = new Set(this.sent.map((each) => each.letter?.key ?? ""));
    const busy = new Set(this.sent.map((each) => each.chat));
    const unsaid = new Set([...this.letters.map((each) => each.key), ...under]);
    const waiting = this.letters.filter((each) => !under.has(each.key) && !nameless(each, unsaid));
    for (const letter of sendable(waiting, busy)) void this.send(letter);
  }

  private async send(letter: Letter): Promise<void> {
    const { ask, key } = letter;
    const running = new Running(firstOf(key, ask));
    const sent = new Sent(running, letter.chat, letter);
    running.onQuestion = (id) => {
      this.rename(sent.chat, key, id);
      this.flush();
    };
    this.sent = [...this.sent, sent];
    // One tab sends it; another one's try would be the same to the service, but shown twice.
    const heard = await alone(letter.key, async () => {
      try {
        const whole = await uploaded(letter);
        if (whole !== letter) this.replace([whole]);
        return (await running.send(bodyOf(whole), letter.key, (conversation) => this.accepted(sent, conversation))) === "heard";
      } catch (error) {
        this.refused(sent, shownError(error));
        return null;
      }
    });
    if (heard !== null) return this.ended(sent, heard);
    this.sent = this.sent.filter((each) => each !== sent);
    this.later();
  }

  private accepted(sent: Sent, conversation: string): void {
    const { letter } = sent;
    this.offline = false;
    this.tries = 0;
    if (!letter) return;
    this.drop(letter.key);
    if (conversation !== "" && conversation !== sent.chat) {
      const from = sent.chat;
      this.replace(readdressed(this.letters, from, from, conversation));
      for (const each of this.sent) if (each.chat === from) each.chat = conversation;
      this.tell((hearer) => hearer.named(from, from, conversation));
    }
    this.rename(sent.chat, answerTo(letter.key), sent.running.id);
  }

  private rename(chat: string, from: string, to: string): void {
    if (to === "" || from === to) return;
    this.replace(readdressed(this.letters, chat, from, to));
    this.tell((hearer) => hearer.named(chat, from, to));
  }

  private ended(sent: Sent, heard: boolean): void {
    this.tell((hearer) => hearer.ended(sent, heard));
    this.sent = this.sent.filter((each) => each !== sent);
    this.flush();
  }

  private refused(sent: Sent, error: ApiError): void {
    const { letter } = sent;
    if (!letter) return;
    if (error.status === 0 && error.type === "offline") {
      // Nobody heard it: it stays, and goes when the network is back.
      this.replace(this.kept(letter.key).map((each) => ({ ...each, tries: each.tries + 1 })));
      this.offline = true;
      this.later();
      return;
    }
    const { message, hint, type } = error;
    const trouble = { message, hint, type, stopped: "" };
    if (letter.ask.kind === "go-on") {
      // The cut answer is there still: it says what came in the way.
      this.drop(letter.key);
      const about = letter.ask.message;
      return this.tell((hearer) => hearer.refused(sent.chat, about, trouble));
    }
    if (error.conversation !== "") {
      // It is in the conversation, with the answer that failed: that is where it is shown.
      this.accepted(sent, error.conversation);
      sent.running.answer = failed(sent.running.answer, error, Date.now());
      this.tell((hearer) => hearer.ended(sent, false));
      return;
    }
    this.replace(this.kept(letter.key).map((each) => ({ ...each, refused: trouble })));
  }

  /** Tries again, ever less often, what another tab has not sent meanwhile. */
  private later(): void {
    clearTimeout(this.timer);
    if (this.letters.every((each) => each.refused)) return;
    this.tries += 1;
    this.timer = window.setTimeout(() => void this.retry(), backOffMs(this.tries, Math.random()));
  }

  private async retry(): Promise<void> {
    const kept = new Set((await this.shelf?.letters())?.map((each) => each.key));
    if (kept.size > 0) this.letters = this.letters.filter((each) => kept.has(each.key));
    this.offline = !navigator.onLine;
    this.flush();
  }

  /** A letter as it is now: its files may have been sent meanwhile. */
  private kept(key: string): readonly Letter[] {
    return this.letters.filter((each) => each.key === key);
  }

  private replace(news: readonly Letter[]): void {
    if (news.length === 0) return;
    const found = new Map(news.map((each) => [each.key, each]));
    this.letters = this.letters.map((each) => found.get(each.key) ?? each);
    for (const each of news) void this.shelf?.putLetter(each);
  }

  private drop(key: string): void {
    this.letters = this.letters.filter((each) => each.key !== key);
    void this.shelf?.dropLetter(key);
  }

  private tell(what: (hearer: Hearer) => void): void {
    for (const hearer of this.hearers) what(hearer);
  }
}

function firstOf(key: string, ask: Ask): Answer {
  const parent = ask.kind === "say" ? key : ask.kind === "again" ? ask.message : ask.parent;
  const first = asked(answerTo(key), parent, ask.model, Date.now());
  return ask.kind === "go-on" ? { ...first, beginning: ask.beginning, continues: ask.message } : first;
}

async function alone<T>(name: string, act: () => Promise<T>): Promise<T | null> {
  // Only pages of a secure origin have locks; without them the key alone keeps it from being said twice.
  const locks = navigator.locks as LockManager | null | undefined;
  if (!locks) return act();
  return locks.request(`potluck-letter-${name}`, { ifAvailable: true }, (lock) => (lock ? act() : null));
}

export const outbox = new Outbox();

/** Chats that wait to be sent as a whole: they have no conversation yet. */
export function localChats(letters: readonly Letter[]): string[] {
  return [...new Set(letters.filter((each) => isLocal(each.chat)).map((each) => each.chat))];
}
