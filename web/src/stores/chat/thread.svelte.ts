// The conversation that is open: what the service keeps of it, what is on its way, and which of its branches is shown.
import { asMessage } from "../../lib/chat/answer";
import { type Ask, type Enclosed, NO_PARAMS, type Params, paramsOf } from "../../lib/chat/ask";
import { blank, type Message, messageOf, type Trouble } from "../../lib/chat/message";
import { answerTo, isLocal, type Letter, NEW } from "../../lib/chat/outbox";
import { merged, Tree } from "../../lib/chat/tree";
import { type ApiError, shownError } from "../../lib/errors";
import { api } from "../client";
import { events } from "../events.svelte";
import { session } from "../session.svelte";
import { type Entry, entryOf } from "./conversations.svelte";
import { newName } from "../names";
import { type Hearer, outbox, type Sent } from "./outbox.svelte";
import { Running } from "./running.svelte";

export type How = Pick<Ask, "model" | "node" | "params" | "system" | "temporary">;

export class Thread implements Hearer {
  chat = $state("");
  info = $state.raw<Entry | null>(null);
  /** What its answers are asked for with, as the service keeps it. */
  system = "";
  params: Params = NO_PARAMS;
  /** It is kept nowhere, and gone when it is left. */
  temporary = false;
  /** It is not here yet. */
  loading = $state(false);
  error = $state.raw<ApiError | null>(null);
  private told = $state.raw<readonly Message[]>([]);
  private leaf = $state.raw<string | null>(null);
  // Names that messages had before: what stands in the page keeps its place when a message gets its real one.
  private readonly before = new Map<string, string>();

  sent = $derived(outbox.sent.filter((each) => each.chat === this.chat));
  letters = $derived(outbox.letters.filter((each) => each.chat === this.chat && !this.sent.some((sent) => sent.letter?.key === each.key)));
  running = $derived(this.sent.filter((each) => !each.running.over));
  private replaced = $derived(new Set(this.sent.map((each) => each.running.continues)));
  tree = $derived(new Tree(merged(this.told.filter((each) => !this.replaced.has(each.id)), [...this.sent.flatMap(ofSent), ...this.letters.flatMap(ofLetter)])));
  // What waits to be sent since an earlier visit follows the leaf that the service knows of.
  private unchosen = $state.raw<string | null>(null);
  shown = $derived(this.tree.branch(this.leaf !== null && this.leaf === this.unchosen ? this.below(this.leaf) : this.leaf));
  /** The answer that is coming in what is shown. */
  answering = $derived(this.running.find((each) => this.shown.some((message) => message.id === each.running.id))?.running ?? null);

  private readonly names = new Set<string>();

  constructor(chat = "") {
    this.chat = chat || `${NEW}${newName()}`;
    this.names.add(this.chat);
  }

  /** Whether the chat is or was called that: a new one gets its conversation's name. */
  was(name: string): boolean {
    return this.names.has(name);
  }

  get local(): boolean {
    return isLocal(this.chat);
  }

  /** What it is called in the page, whatever its name is now. */
  keyOf(id: string): string {
    return this.before.get(id) ?? id;
  }

  runningOf(id: string): Running | null {
    return this.sent.find((each) => each.running.id === id)?.running ?? null;
  }
  letterOf(id: string): Letter | null {
    return this.letters.find((each) => each.key === id || (each.ask.kind !== "say" && answerTo(each.key) === id)) ?? null;
  }

  /** Reads it from the service, and takes up answers that come in it. Never rejects. */
  async load(): Promise<void> {
    const { chat } = this;
    if (isLocal(chat)) return;
    this.loading = this.told.length === 0;
    const known = new Set(this.told.map((each) => each.id));
    try {
      const [told] = await Promise.all([
        api.get("/api/v1/conversations/{conversation}", { path: { conversation: chat } }),
        ...runningIn(chat).map((id) => this.takeUp(id)),
      ]);
      if (chat !== this.chat) return;
      this.info = entryOf(told);
      // What has ended while this was read need not be in it.
      this.told = merged(told.messages.map(messageOf), this.told.filter((each) => !known.has(each.id)));
      if (this.leaf === null) this.leaf = this.unchosen = told.leaf ?? null;
      this.temporary = told.temporary ?? false;
      this.system = told.system ?? "";
      this.params = paramsOf(told.params ?? {});
      this.error = null;
    } catch (error) {
      if (chat === this.chat) this.error = shownError(error);
    } finally {
      this.loading = false;
    }
  }

  /** An answer that was asked for elsewhere, or before this page was loaded. */
  async takeUp(id: string): Promise<void> {
    if (this.sent.some((each) => each.running.id === id)) return;
    const running = await Running.of(id).catch(() => null);
    if (!running) return; // it has ended: the conversation has it
    if (running.over) this.told = merged(this.told, [asMessage(running.answer)]);
    else outbox.follow(this.chat, running);
  }

  /** Returns what the question is called until the service names it. */
  say(text: string, enclosed: readonly Enclosed[], how: How): string {
    const after = this.shown.at(-1)?.id ?? null;
    return this.ask({ kind: "say", text, enclosed, after, ...how });
  }

  /** Another wording of a message that was said: a branch beside it. */
  reword(message: Message, text: string, how: How): void {
    this.ask({ kind: "say", text, enclosed: [], after: message.parent, ...how });
  }

  private ask(ask: Ask): string {
    const key = outbox.add(this.chat, ask);
    this.leaf = answerTo(key);
    return key;
  }

  /** Another answer to a question. */
  again(message: string, how: How): void {
    this.ask({ kind: "again", message, ...how });
  }

  /** One more answer to a question, beside the one that is shown. */
  alongside(question: string, how: How): void {
    outbox.add(this.chat, { kind: "again", message: question, ...how });
  }

  /** The rest of an answer that was cut, by the model that began it. */
  goOn(message: Message, how: How): void {
    this.ask({ kind: "go-on", message: message.id, parent: message.parent, beginning: message.text, ...how, model: "" });
  }

  /** Shows another branch: the sibling `step` further on. */
  turn(id: string, step: number): void {
    const leaf = this.tree.beside(id, step);
    if (leaf !== null) this.choose(leaf);
  }
  show(id: string): void {
    this.choose(this.tree.leafUnder(id) ?? id);
  }
  /** Goes on from a message in another direction: what is said next is a branch beside what follows it now. */
  branchFrom(id: string): void {
    this.unchosen = null;
    this.leaf = id;
  }

  private choose(leaf: string): void {
    this.leaf = leaf;
    if (this.local || !this.told.some((each) => each.id === leaf)) return;
    // So that it is this branch that is shown on the next device, too.
    const body = { leaf };
    void api.patch("/api/v1/conversations/{conversation}", { path: { conversation: this.chat }, body }).catch(() => undefined);
  }

  stop(): void {
    for (const each of this.running) each.running.stop();
  }

  private below(leaf: string): string {
    const own = [...this.sent.flatMap(ofSent), ...this.letters.flatMap(ofLetter)];
    let at = leaf;
    for (;;) {
      const next = own.findLast((each) => each.parent === at);
      if (!next) return at;
      at = next.id;
    }
  }

  named(chat: string, from: string, to: string): void {
    if (chat !== this.chat) return;
    if (from === chat) {
      this.chat = to;
      this.names.add(to);
      return;
    }
    this.before.set(to, this.keyOf(from));
    if (this.leaf === from) this.leaf = to;
  }

  refused(chat: string, message: string, trouble: Trouble): void {
    if (chat !== this.chat) return;
    this.told = this.told.map((each) => (each.id === message ? { ...each, trouble } : each));
    this.leaf = message;
  }

  ended(sent: Sent, heard: boolean): void {
    if (sent.chat !== this.chat) return;
    if (this.shown.at(-1)?.id === sent.running.id) this.leaf = sent.running.id;
    if (!heard) return void this.load();
    const answer = asMessage(sent.running.answer);
    const rest = this.told.filter((each) => each.id !== sent.running.continues);
    this.told = merged(rest, sent.question ? [sent.question, answer] : [answer]);
  }
}

function ofSent({ question, running }: Sent): Message[] {
  const answer = { ...blank(running.id, running.parent, "assistant", "", running.startedMs), state: "running" as const };
  return question ? [question, answer] : [answer];
}

function ofLetter(letter: Letter): Message[] {
  const { ask, key, writtenMs, refused } = letter;
  const state = refused ? ("failed" as const) : ("waiting" as const);
  if (ask.kind !== "say") {
    const parent = ask.kind === "again" ? ask.message : ask.parent;
    return [{ ...blank(answerTo(key), parent, "assistant", "", writtenMs), state, trouble: refused }];
  }
  const question = { ...blank(key, ask.after, "user", ask.text, writtenMs), state, trouble: refused, attached: ask.enclosed };
  // What is written after it follows its answer, which has a place already.
  return refused ? [question] : [question, { ...blank(answerTo(key), key, "assistant", "", writtenMs), state }];
}

/** Answers that run in a conversation, as far as we were told. */
function runningIn(conversation: string): string[] {
  const known = events.live.generations ?? session.boot?.running ?? [];
  return (known as readonly { id: string; state: string; conversation: string }[])
    .filter((each) => each.conversation === conversation && each.state === "running")
    .map((each) => each.id);
}
