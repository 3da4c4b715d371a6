// What the chat view shows and what is chosen in it. It outlives the view: answers go on while somebody looks elsewhere.
import { t } from "../../i18n/index.svelte";
import { NO_PARAMS, type Params, toldOf } from "../../lib/chat/ask";
import { type Choice, firstChoice } from "../../lib/chat/choices";
import { wordsIn } from "../../lib/chat/message";
import type { Loading } from "../../lib/chat/wait";
import { pathOf } from "../../lib/router";
import { shownError } from "../../lib/errors";
import { api } from "../client";
import { events } from "../events.svelte";
import { loadBoot, session } from "../session.svelte";
import { announce, notify } from "../status.svelte";
import { tell } from "../telling";
import { conversations } from "./conversations.svelte";
import { Draft } from "./drafts.svelte";
import { type Hearer, outbox, type Sent } from "./outbox.svelte";
import { type How, Thread } from "./thread.svelte";

const KEPT_AS = "potluck.model";

class Room implements Hearer {
  thread = $state.raw(new Thread());
  draft = $state.raw(new Draft("new"));
  /** What is asked, in this order; more than one answer side by side. */
  models = $state.raw<readonly string[]>([]);
  system = $state("");
  params = $state.raw<Params>(NO_PARAMS);
  /** Questions whose answers stand side by side. */
  beside = $state.raw<ReadonlySet<string>>(new Set());
  /** The chat that is shown is kept nowhere, and gone when it is left. */
  temporary = $state(false);
  private started = false;
  private stopHearing: (() => void) | null = null;

  choices = $derived.by<readonly Choice[]>(() => {
    const told = session.boot?.models ?? [];
    const live = new Map((events.live.models as readonly { id: string; ready: boolean; resident: boolean }[] | null)?.map((each) => [each.id, each]));
    return told.map((each) => {
      const now = live.get(each.id);
      return now ? { ...each, ready: now.ready, resident: now.resident } : each;
    });
  });
  model = $derived(this.models[0] ?? "");

  /** Once somebody is signed in. */
  start(): void {
    if (this.started || !session.boot) return;
    this.started = true;
    const { me } = session.boot;
    conversations.start();
    outbox.start(me.id);
    outbox.hear(this);
    events.hear((event, data) => this.heard(event, data));
    this.models = [firstChoice(session.boot.models, [kept(), me.preferences.model])];
  }

  /** Shows a conversation; an empty id is a new one. */
  open(id: string): void {
    if (id !== "" && this.thread.chat === id) return;
    if (id === "" && this.thread.local && this.thread.shown.length === 0 && this.stopHearing) return;
    this.stopHearing?.();
    this.leave();
    // By itself: what an effect of the view makes would derive nothing anew once that view is left.
    $effect.root(() => void (this.thread = new Thread(id)));
    const { thread } = this;
    this.stopHearing = outbox.hear(thread);
    this.draft = new Draft(id || "new");
    void this.draft.open();
    this.system = "";
    this.params = NO_PARAMS;
    this.beside = new Set();
    void thread.load().then(() => {
      if (this.thread === thread) this.adopt(thread);
    });
  }

  /** A draft stays; of a temporary chat nothing does. A page that is only loaded anew has not left it. */
  private leave(): void {
    const { chat, local } = this.thread;
    const { temporary } = this;
    this.temporary = false;
    if (!temporary || local) return this.draft.keep();
    this.draft.clear();
    // Where this cannot be said, the service forgets it by itself.
    void conversations.remove(chat).catch(() => undefined);
  }

  /** Sets what this chat's answers are asked for with; the service keeps it with the conversation. */
  adjust(system: string, params: Params): void {
    this.system = system;
    this.params = params;
    if (!this.thread.local) this.keepAdjusted(this.thread.chat);
  }
  private keepAdjusted(conversation: string): void {
    const body = { system: this.system, params: toldOf(this.params) };
    api.patch("/api/v1/conversations/{conversation}", { path: { conversation }, body }).catch((error: unknown) => notify(shownError(error).message, "bad"));
  }

  choose(models: readonly string[]): void {
    this.models = models;
    try {
      localStorage.setItem(KEPT_AS, models[0] ?? "");
    } catch {
      // Storage is off: it holds for this page.
    }
  }

  get how(): How {
    return { model: this.model, node: "", params: this.params, system: this.system, temporary: this.temporary };
  }

  /** Says what stands in the composer. */
  send(): void {
    const { draft, thread } = this;
    const text = draft.text.trim();
    if (text === "" && draft.enclosed.length === 0) return;
    const question = thread.say(text, draft.enclosed, this.how);
    draft.clear();
    for (const model of this.models.slice(1)) thread.alongside(question, { ...this.how, model });
    if (this.models.length > 1) this.sideBySide(question, true);
  }

  sideBySide(question: string, on: boolean): void {
    const next = new Set(this.beside);
    if (on) next.add(question);
    else next.delete(question);
    this.beside = next;
  }

  /** What is known of a model's way into memory. */
  readonly loading: Loading = {
    resident: (node, model) => this.place(node, model)?.resident ?? null,
    seconds: (node, model) => this.place(node, model)?.wait_s ?? null,
  };

  named(chat: string, from: string, to: string): void {
    if (from === chat && this.thread.was(from) && (this.system !== "" || this.params !== NO_PARAMS)) this.keepAdjusted(to);
    if (this.beside.has(from)) this.beside = new Set([...this.beside, to]);
  }

  refused(): void {
    // Its thread shows it.
  }

  ended(sent: Sent): void {
    const { answer } = sent.running;
    if (answer.phase === "done") announce(t("chat.done", { n: wordsIn(answer.text) }));
    else if (answer.trouble?.message) announce(answer.trouble.message);
    // It is in memory now, and was not when the portal was opened.
    if (!this.choices.find((each) => each.id === sent.letter?.ask.model)?.resident) void loadBoot();
    const title = conversations.get(sent.chat)?.title ?? t("chat.title");
    void tell({ title, body: answer.text.slice(0, 120), tag: sent.chat, url: pathOf("chat", sent.chat) }, answer.startedMs);
  }

  private place(node: string, model: string): Choice["places"][number] | undefined {
    return this.choices.find((each) => each.id === model)?.places.find((each) => each.node === node);
  }

  private adopt(thread: Thread): void {
    const asked = thread.info?.model ?? "";
    if (asked !== "" && this.choices.some((each) => each.id === asked)) this.models = [asked];
    this.system = thread.system;
    this.params = thread.params;
    this.temporary = thread.temporary;
  }

  /** Answers that were asked for in another tab or on another device. */
  private heard(event: string, data: unknown): void {
    const { thread } = this;
    if (thread.local) return;
    if (event === "generations") {
      const changed = (data as { changed?: readonly { id: string; conversation: string; state: string }[] }).changed ?? [];
      for (const each of changed) {
        if (each.conversation !== thread.chat || each.state !== "running") continue;
        // Its question is not known here: it was written elsewhere.
        if (!outbox.sent.some((sent) => sent.chat === thread.chat)) void thread.load();
      }
    }
  }
}

function kept(): string {
  try {
    return localStorage.getItem(KEPT_AS) ?? "";
  } catch {
    return "";
  }
}
export const room = new Room();
