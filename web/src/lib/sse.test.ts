import { describe, expect, it } from "vitest";

import { ApiError } from "./errors";
import { backOffMs, EventParser, eventsOf, follow } from "./sse";
import type { ServerEvent } from "./sse";

const WIRE = '\uFEFF: hello\nid: 1\nevent: delta\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\nid: 2\rdata:x\r\rdata: unfinished';
const READ = [
  { event: "delta", data: '{"a":1}', id: "1" },
  { event: "message", data: "one\ntwo", id: "1" },
  { event: "message", data: "x", id: "2" },
];

describe("the parser", () => {
  it("reads the same in pieces of every size", () => {
    for (let size = 1; size <= WIRE.length; size++) {
      const parser = new EventParser();
      const found: ServerEvent[] = [];
      for (let at = 0; at < WIRE.length; at += size) found.push(...parser.feed(WIRE.slice(at, at + size)));
      expect(found).toEqual(READ);
    }
  });

  it("takes a wish for a pause, and no id with a NUL", () => {
    const parser = new EventParser("7");
    parser.feed("retry: 250\nretry: x\nid: a\0\n\n");
    expect([parser.retryMs, parser.lastId]).toEqual([250, "7"]);
  });
});

const streamed = (text: string) => new Response(text, { headers: { "content-type": "text/event-stream" } });

describe("following", () => {
  it("comes back after the last event it had, and stops where it is told", async () => {
    const opened: string[] = [];
    const waited: number[] = [];
    const seen: string[] = [];
    const answers = [
      () => streamed("id: 1\ndata: a\n\nid: 2\ndata: half"),
      () => { throw new ApiError(503, "overloaded", "later", "", "", 9); },
      () => streamed("id: 2\ndata: b\n\nid: 3\ndata: end\n\nid: 4\ndata: never\n\n"),
    ];
    await follow({
      open: async (lastId) => { opened.push(lastId); return answers[opened.length - 1]!(); },
      onEvent: (event) => { seen.push(event.data); return event.data === "end"; },
      signal: new AbortController().signal,
      random: () => 0,
      sleep: async (ms) => { waited.push(ms); },
    });
    expect(opened).toEqual(["", "1", "1"]);
    expect(seen).toEqual(["a", "b", "end"]);
    expect(waited).toEqual([250, 9000]);
  });

  it("gives up where asking again helps nobody", async () => {
    const failed = follow({
      open: () => Promise.reject(new ApiError(404, "not_found", "no")),
      onEvent: () => undefined,
      signal: new AbortController().signal,
      random: () => 0,
      sleep: async () => undefined,
    });
    await expect(failed).rejects.toMatchObject({ status: 404 });
  });

  it("ends with its signal, even while it waits", async () => {
    const control = new AbortController();
    await follow({
      open: () => Promise.reject(new TypeError("network")),
      onEvent: () => undefined,
      signal: control.signal,
      random: () => 0,
      sleep: async () => control.abort(),
    });
    expect(control.signal.aborted).toBe(true);
  });
});

it("waits longer each time, but not for ever, and never all at once", () => {
  const least = [1, 2, 3, 4, 5, 6, 7, 50].map((tries) => backOffMs(tries, 0));
  expect(least).toEqual([250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
  expect(backOffMs(50, 0.999)).toBeLessThanOrEqual(15_000);
});

it("an answer without a body has no events", async () => {
  const found = [];
  for await (const event of eventsOf(new Response(null))) found.push(event);
  expect(found).toEqual([]);
});
