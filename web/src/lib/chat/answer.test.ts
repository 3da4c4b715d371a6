import { describe, expect, it } from "vitest";

import { asked, asMessage, over, resumed, step } from "./answer";

let number = 0;
const event = (name: string, data: object, id = ++number) => ({ event: name, data: JSON.stringify(data), id: String(id) });
const run = (events: { event: string; data: string; id: string }[], from = asked("", null, "chat", 0)) =>
  events.reduce((answer, each, place) => step(answer, each, (place + 1) * 100), from);

const META = { conversation: "c", user_message: "q", message: "a", request_id: "r", node: "agx0", model: "llama", generation: "a" };

describe("an answer", () => {
  it("waits in line, gets a node, comes and ends", () => {
    number = 0;
    const queued = run([event("queued", { position: 2, eta_s: 8 })]);
    expect(queued).toMatchObject({ phase: "queued", position: 2, etaS: 8 });
    const seated = step(queued, event("seated", { node: "agx0", attempts: 1 }), 200);
    expect(seated).toMatchObject({ phase: "seated", node: "agx0", position: null });
    const text = run([event("meta", META), event("reasoning", { text: "Hm" }), event("delta", { text: "One " }), event("delta", { text: "two" })], seated);
    expect(text).toMatchObject({ phase: "writing", id: "a", parent: "q", text: "One two", reasoning: "Hm", firstMs: 200, last: 6 });
    const end = step(text, event("done", { finish: "stop", usage: { completion_tokens: 20 }, timings: { decode_s: 2 } }), 900);
    expect(over(end)).toBe(true);
    expect(asMessage(end)).toMatchObject({ state: "complete", tokensPerS: 10, model: "llama", firstTokenS: 0.2, finish: "stop" });
  });

  it("takes each event once, however often a connection brings it", () => {
    number = 0;
    const first = event("delta", { text: "one" });
    const answer = run([first, first, event("delta", { text: "two" })]);
    expect(run([first], answer).text).toBe("onetwo");
  });

  it("tells after how many words a node went away", () => {
    const answer = run([event("meta", META, 1), event("delta", { text: "one two " }, 2), event("rescued", { node: "orin0", attempts: 2, way: "raw" }, 3)]);
    expect(answer.rescues).toEqual([{ from: "agx0", to: "orin0", afterWords: 2 }]);
    expect(answer.node).toBe("orin0");
  });

  it("keeps its text when it fails or is stopped, and hears nothing after that", () => {
    const begun = run([event("meta", META, 1), event("delta", { text: "half" }, 2)]);
    const failed = step(begun, event("error", { error: { type: "node_failed", message: "It broke.", hint: "Try again." } }, 3), 400);
    expect(asMessage(failed)).toMatchObject({ text: "half", state: "failed", trouble: { message: "It broke.", hint: "Try again." } });
    expect(step(failed, event("delta", { text: "more" }, 4), 500)).toBe(failed);
    const stopped = step(begun, event("stopped", { why: "client" }, 3), 400);
    expect(asMessage(stopped)).toMatchObject({ text: "half", state: "interrupted", trouble: { stopped: "client" } });
  });

  it("shows what it goes on with until that comes again", () => {
    const cut = { ...asked("", "q", "chat", 0), beginning: "half a" };
    expect(asMessage(cut).text).toBe("half a");
    const on = run([event("meta", { ...META, continues: "cut" }, 1), event("delta", { text: "half a word" }, 2)], cut);
    expect([asMessage(on).text, on.continues]).toEqual(["half a word", "cut"]);
  });

  it("is not harmed by what it does not know", () => {
    const answer = run([event("meta", META, 1)]);
    expect(step(answer, { event: "delta", data: "{half", id: "2" }, 1)).toBe(answer);
    expect(step(answer, event("news", { a: 1 }, 2), 1)).toMatchObject({ phase: "begun", last: 2 });
  });

  it("goes on where the service says it is", () => {
    const told = {
      id: "a", state: "running", conversation: "c", user_message: "q", request_id: "r", created_at: "2026-11-26T12:00:00Z", ended_at: null,
      asked_model: "chat", model: "llama", node: "agx0", queued: null, last_event: 7, readers: 0, detached: true, text: "so far", reasoning: "",
    } as const;
    const answer = resumed(told as never, 5);
    expect(answer).toMatchObject({ phase: "writing", text: "so far", last: 7, parent: "q" });
    expect(step(answer, event("delta", { text: "old" }, 7), 6).text).toBe("so far");
    expect(step(answer, event("delta", { text: " on" }, 8), 6).text).toBe("so far on");
    expect(resumed({ ...told, text: "", queued: { position: 3, eta_s: 4 } } as never, 5)).toMatchObject({ phase: "queued", position: 3 });
    expect(resumed({ ...told, stopped: { why: "alone" } } as never, 5).phase).toBe("stopped");
    expect(resumed({ ...told, error: { type: "x", message: "no" } } as never, 5).trouble).toMatchObject({ message: "no", hint: "" });
    expect(over(resumed({ ...told, done: { finish: null, usage: null, timings: null } } as never, 5))).toBe(true);
  });
});
