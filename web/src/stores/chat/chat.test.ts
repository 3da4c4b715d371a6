// @vitest-environment happy-dom
// The outbox and a thread over a service that is played: what is said, what is shown, what is sent.
import "fake-indexeddb/auto";

import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { NO_PARAMS } from "../../lib/chat/ask";
import { Outbox, outbox } from "./outbox.svelte";
import { Thread } from "./thread.svelte";

const HOW = { model: "chat", node: "", params: NO_PARAMS, system: "" };

/** An answer that is written piece by piece. */
class Wire {
  private to!: ReadableStreamDefaultController<Uint8Array>;
  private number = 0;
  readonly response: Response;
  constructor(generation = "m1", conversation = "c1") {
    const body = new ReadableStream<Uint8Array>({ start: (to) => void (this.to = to) });
    this.response = new Response(body, { headers: { "x-potluck-generation": generation, "x-potluck-conversation": conversation } });
  }
  async send(event: string, data: object, number = ++this.number): Promise<void> {
    this.number = number;
    this.to.enqueue(new TextEncoder().encode(`id: ${number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    await settled();
  }
  async cut(): Promise<void> {
    this.to.error(new TypeError("network"));
    await settled();
  }
  async end(): Promise<void> {
    this.to.close();
    await settled();
  }
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const meta = (message: string, question: string) => ({
  conversation: "c1", user_message: question, message, request_id: "r", node: "agx0", model: "llama", generation: message,
});
const DONE = { finish: "stop", usage: null, timings: null };

let asked: { method: string; url: string; headers: Record<string, string>; body: Record<string, unknown> | null }[];
let answers: (() => Response | Promise<Response>)[];
let thread: Thread;
let stop: (() => void)[];

beforeEach(() => {
  asked = [];
  answers = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : null;
    asked.push({ method: init.method ?? "", url, headers: init.headers as Record<string, string>, body });
    const answer = answers.shift();
    if (!answer) throw new TypeError("nobody answers");
    return answer();
  });
  outbox.letters = [];
  outbox.sent = [];
  stop = [outbox.start(crypto.randomUUID())];
  thread = new Thread();
  stop.push(outbox.hear(thread));
});
afterEach(() => {
  for (const each of stop) each();
  vi.unstubAllGlobals();
});

const texts = () => thread.shown.map((each) => `${each.role} ${each.id}: ${thread.runningOf(each.id)?.answer.text || each.text} (${each.state})`);

describe("a message that is said", () => {
  it("gets its answer, and its names while it stands where it stood", async () => {
    const wire = new Wire();
    answers.push(() => wire.response);
    thread.say("Hi", [], HOW);
    const keys = thread.shown.map((each) => thread.keyOf(each.id));
    expect(thread.local).toBe(true);
    await settled();
    expect(asked[0]).toMatchObject({ method: "POST", body: { message: "Hi", model: "chat" } });
    expect(asked[0]?.headers["idempotency-key"]).toBe(keys[0]);
    expect(thread.chat).toBe("c1");
    await wire.send("meta", meta("m1", "q1"));
    await wire.send("delta", { text: "Good " });
    expect(texts()).toEqual(["user q1: Hi (complete)", "assistant m1: Good  (running)"]);
    expect(thread.answering?.answer.text).toBe("Good ");
    await wire.send("delta", { text: "day." });
    await wire.send("done", DONE);
    expect(texts()).toEqual(["user q1: Hi (complete)", "assistant m1: Good day. (complete)"]);
    expect(thread.shown.map((each) => thread.keyOf(each.id))).toEqual(keys);
    expect([outbox.letters, outbox.sent]).toEqual([[], []]);
  });

  it("waits while there is no network, and is sent once when it is back", async () => {
    thread.say("Hi", [], HOW);
    await settled();
    expect(texts()).toEqual([expect.stringContaining("Hi (waiting)"), expect.stringContaining("(waiting)")]);
    thread.say("And more", [], HOW);
    await settled();
    expect([asked.length, outbox.offline, thread.shown.length]).toEqual([1, true, 4]);
    const first = new Wire();
    answers.push(() => first.response, () => new Wire("m2").response);
    dispatchEvent(new Event("online"));
    await settled();
    expect(asked.map((each) => each.headers["idempotency-key"])).toEqual([asked[0]?.headers["idempotency-key"], asked[0]?.headers["idempotency-key"]]);
    await first.send("meta", meta("m1", "q1"));
    await first.send("done", DONE);
    await settled();
    // The second one follows the first one's answer, under its real name.
    expect(asked[2]?.body).toMatchObject({ message: "And more", conversation: "c1", parent: "m1" });
  });

  it("is in the next page's outbox where this one is closed too early", async () => {
    const user = crypto.randomUUID();
    const before = new Outbox();
    const ends = before.start(user);
    before.offline = true;
    before.add("c1", { kind: "say", text: "Hi", after: null, enclosed: [], ...HOW });
    await settled();
    ends();
    const after = new Outbox();
    answers.push(() => new Wire().response);
    stop.push(after.start(user));
    await settled();
    await settled();
    expect(asked.at(-1)?.body).toMatchObject({ message: "Hi", conversation: "c1" });
  });

  it("that is refused stays, with the reason, until it is sent again or taken back", async () => {
    answers.push(() => Response.json({ error: { type: "bad_request", message: "Too long.", hint: "Shorten it." } }, { status: 400 }));
    thread.say("Hi", [], HOW);
    await settled();
    expect(thread.shown[0]).toMatchObject({ state: "failed", trouble: { message: "Too long.", hint: "Shorten it." } });
    expect(outbox.takeBack(thread.shown[0]?.id ?? "")?.ask).toMatchObject({ text: "Hi" });
    expect(texts()).toEqual([]);
  });
});

describe("an answer", () => {
  it("goes on after the last event where the connection broke", async () => {
    const wire = new Wire();
    const rest = new Wire();
    answers.push(() => wire.response, () => rest.response);
    thread.say("Hi", [], HOW);
    await settled();
    await wire.send("meta", meta("m1", "q1"));
    await wire.send("delta", { text: "half " });
    await wire.cut();
    expect(thread.answering?.answer.lost).toBe(true);
    await vi.waitFor(() => expect(asked[1]).toMatchObject({ url: "/api/v1/generations/m1/events", headers: { "last-event-id": "2" } }), 2000);
    await rest.send("delta", { text: "a word" }, 3);
    expect(thread.answering?.answer).toMatchObject({ text: "half a word", lost: false });
  });

  it("is stopped at the service, and keeps its text", async () => {
    const wire = new Wire();
    answers.push(() => wire.response, () => new Response(null, { status: 204 }));
    thread.say("Hi", [], HOW);
    await settled();
    await wire.send("meta", meta("m1", "q1"));
    await wire.send("delta", { text: "half" });
    thread.stop();
    await settled();
    expect(asked[1]).toMatchObject({ method: "DELETE", url: "/api/v1/generations/m1" });
    await wire.send("stopped", { why: "client" });
    expect(thread.shown.at(-1)).toMatchObject({ text: "half", state: "interrupted", trouble: { stopped: "client" } });
  });

  it("has siblings when it is asked for again, and the way between them", async () => {
    const [first, second] = [new Wire(), new Wire("m2")];
    answers.push(() => first.response, () => second.response, () => Response.json({}));
    thread.say("Hi", [], HOW);
    await settled();
    await first.send("meta", meta("m1", "q1"));
    await first.send("delta", { text: "one" });
    await first.send("done", DONE);
    thread.again("q1", { ...HOW, node: "orin0" });
    await settled();
    expect(asked[1]?.body).toMatchObject({ regenerate: "q1", node: "orin0", message: "" });
    await second.send("meta", meta("m2", "q1"));
    await second.send("delta", { text: "two" });
    await second.send("done", DONE);
    expect(texts().at(-1)).toBe("assistant m2: two (complete)");
    thread.turn("m2", -1);
    flushSync();
    expect(texts().at(-1)).toBe("assistant m1: one (complete)");
    await settled();
    expect(asked.at(-1)).toMatchObject({ method: "PATCH", body: { leaf: "m1" } });
  });

  it("that was cut is gone on with in its place", async () => {
    const [cut, rest] = [new Wire(), new Wire("m2")];
    answers.push(() => cut.response, () => rest.response);
    thread.say("Hi", [], HOW);
    await settled();
    await cut.send("meta", meta("m1", "q1"));
    await cut.send("delta", { text: "half" });
    await cut.send("error", { error: { type: "node_failed", message: "It broke.", hint: "" } });
    const message = thread.shown.at(-1);
    if (message) thread.goOn(message, HOW);
    expect(thread.shown.length).toBe(2);
    await settled();
    expect(asked[1]?.body).toMatchObject({ continue: "m1" });
    await rest.send("meta", { ...meta("m2", "q1"), continues: "m1" });
    await rest.send("delta", { text: "half a word" });
    await rest.send("done", DONE);
    expect(texts()).toEqual(["user q1: Hi (complete)", "assistant m2: half a word (complete)"]);
  });
});
