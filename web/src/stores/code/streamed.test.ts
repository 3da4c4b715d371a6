// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from "vitest";

import { CodeQuestion } from "./asking.svelte";
import { review } from "./reviewing.svelte";

afterEach(() => vi.unstubAllGlobals());

function answering(...events: [event: string, data: object][]) {
  const body = events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  const asked = vi.fn<typeof fetch>(async () => new Response(body, { headers: { "content-type": "text/event-stream" } }));
  vi.stubGlobal("fetch", asked);
  return asked;
}

it("a question's answer is put together, and the next one goes on in its conversation", async () => {
  const question = new CodeQuestion();
  const asked = answering(["meta", { conversation: "c1" }], ["delta", { text: "It " }], ["delta", { text: "adds." }]);
  await question.ask("What?", "m");
  expect([question.text, question.conversation, question.running, question.error]).toEqual(["It adds.", "c1", false, null]);
  await question.ask("And?", "m");
  expect(JSON.parse(String(asked.mock.calls[1]?.[1]?.body))).toMatchObject({ message: "And?", conversation: "c1", stream: true });
});

it("findings come one by one, the gravest shown first; what goes wrong is told beside them", async () => {
  const finding = (severity: string, line: number) => ({ severity, line });
  answering(["finding", finding("low", 1)], ["finding", finding("high", 9)], ["error", { error: { type: "node_failed", message: "It broke.", hint: "Again." } }]);
  await review.start({ diff: "d" });
  expect(review.sorted.map((each) => each.severity)).toEqual(["high", "low"]);
  expect([review.error?.type, review.error?.message, review.error?.hint, review.running]).toEqual(["node_failed", "It broke.", "Again.", false]);
});
