// @vitest-environment happy-dom
// A conversation that is read from the service while this browser holds what was not sent on an earlier visit.
import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Letter } from "../../lib/chat/outbox";
import { outbox } from "./outbox.svelte";
import { Thread } from "./thread.svelte";

const PARAMS = { temperature: null, topP: null, maxTokens: null, seed: null, think: null };
const LETTER: Letter = {
  key: "k1", chat: "c1", writtenMs: 1, tries: 1, refused: null,
  ask: { kind: "say", text: "And more", enclosed: [], after: "a1", model: "", node: "", params: PARAMS, system: "", temporary: false },
};
const message = (id: string, parent: string | null, role: string, text: string) => ({
  id, parent, role, text, created_at: "2026-01-02T03:04:05Z", reasoning: "", model: "", images: 0, attachments: [], tool_calls: [], state: "complete",
});
const CONVERSATION = {
  id: "c1", title: "T", model: "", leaf: "a1", tags: [], created_at: "2026-01-02T03:04:05Z", updated_at: "2026-01-02T03:04:05Z",
  messages: [message("q1", null, "user", "Hi"), message("a1", "q1", "assistant", "Good day.")],
};
const MORE = "event: meta\ndata: " + JSON.stringify({ conversation: "c1", user_message: "q2", message: "a2", request_id: "r", node: "n", model: "m", generation: "a2" }) +
  '\n\nevent: delta\ndata: {"text": "More."}\n\nevent: done\ndata: {"finish": "stop", "usage": null, "timings": null}\n\n';
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

let read: () => void;
let thread: Thread;
let stop: (() => void)[];

beforeEach(() => {
  const held = new Promise<Response>((resolve) => (read = () => resolve(Response.json(CONVERSATION))));
  vi.stubGlobal("fetch", (_: string, { method }: RequestInit) =>
    method === "GET" ? held : Promise.resolve(new Response(MORE, { headers: { "x-potluck-generation": "a2", "x-potluck-conversation": "c1" } })));
  thread = new Thread("c1");
  outbox.sent = [];
  stop = [outbox.start(crypto.randomUUID()), outbox.hear(thread)];
});
afterEach(() => {
  for (const each of stop) each();
  vi.unstubAllGlobals();
});

const texts = () => thread.shown.map((each) => each.text);

describe("what waits since an earlier visit", () => {
  it("is shown behind what the service knows, and so is its answer", async () => {
    outbox.offline = true;
    outbox.letters = [LETTER];
    read();
    await thread.load();
    expect(texts()).toEqual(["Hi", "Good day.", "And more", ""]);
    dispatchEvent(new Event("online"));
    await settled();
    expect(texts()).toEqual(["Hi", "Good day.", "And more", "More."]);
  });

  it("stays where its answer has ended before the conversation was read", async () => {
    const loaded = thread.load();
    outbox.letters = [LETTER];
    dispatchEvent(new Event("online"));
    await settled();
    read();
    await loaded;
    expect(texts().slice(-2)).toEqual(["And more", "More."]);
    expect(texts()).toHaveLength(4);
  });
});
