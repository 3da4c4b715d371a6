import { describe, expect, it } from "vitest";

import type { LiveNode } from "../live";
import { memoryOf } from "./memory";
import { filtered, needsYou, ranked, standingOf, summaryOf, whyOf } from "./standing";

const GIB = 2 ** 30;
type Engine = LiveNode["engines"][number];

function engine(over: Partial<Engine> = {}): Engine {
  return { id: "a/ollama", kind: "ollama", state: "up", busy: 0, slots: 2, held: [], why: "", failures: 0, trial: false, ...over };
}

function held(model: string, bytes: number, over: Partial<Engine["held"][number]> = {}): Engine["held"][number] {
  return { model, memory_bytes: bytes, vram_bytes: null, pinned: false, expires_at: null, busy: 0, decode_tps: null, ...over };
}

function node(id: string, over: Partial<LiveNode> = {}): LiveNode {
  return {
    id, state: "up", engines: [engine()], busy: 0, slots: 2, waiting: 0, tokens_per_s: 0, calls: [], held_bytes: 0,
    source: "config", since: null, why: "", memory_bytes: null, machine: null, drain: null, drill: null, ...over,
  };
}

const machine = (over: object) => ({
  fresh: true, total_bytes: null, available_bytes: null, vram_bytes: null, vram_free_bytes: null,
  cpu_load: null, gpu_load: null, celsius: null, watts: null, ...over,
});

describe("a machine's standing", () => {
  it("is partly down where one of its engines is, and tells why", () => {
    const half = node("a", { engines: [engine(), engine({ id: "a/comfyui", state: "down", why: "refused" })] });
    expect([standingOf(half), needsYou(half), whyOf(half)]).toEqual(["partly", true, "refused"]);
  });

  it("is that its calls fail, although its probes are well", () => {
    const failing = node("a", { engines: [engine({ failures: 3, why: "no memory" })] });
    expect([standingOf(failing), whyOf(failing)]).toEqual(["failing", "no memory"]);
  });

  it("needs nobody where its owner took it out", () => {
    const out = node("a", { state: "draining", drain: { since: "", running: 0, empty: true, moves: [] }, engines: [engine({ state: "draining", why: "taken out" })] });
    expect([standingOf(out), needsYou(out), whyOf(out)]).toEqual(["draining", false, ""]);
  });

  it("puts who needs somebody first, and does not move rows with every call", () => {
    const nodes = [node("n10"), node("n9", { busy: 2 }), node("z", { state: "down" }), node("m", { state: "suspect" })];
    expect(ranked(nodes).map((each) => each.id)).toEqual(["z", "m", "n9", "n10"]);
  });
});

it("counts the fleet", () => {
  const nodes = [node("a", { busy: 1, tokens_per_s: 2 }), node("b", { state: "down", slots: 0 }), node("c", { state: "suspect", tokens_per_s: 0.5 })];
  expect(summaryOf(nodes)).toEqual({ nodes: 3, serving: 2, needy: 2, out: 0, busy: 1, slots: 4, tokensPerS: 2.5 });
});

it("finds machines by state and by all words, in names, engines and models in memory", () => {
  const nodes = [node("a", { engines: [engine({ held: [held("llama3.2:3b", 1)] })] }), node("b", { waiting: 1 })];
  const ids = (...asked: Parameters<typeof filtered> extends [unknown, ...infer Rest] ? Rest : never) => filtered(nodes, ...asked).map((each) => each.id);
  expect(ids("all", " LLAMA3 ollama")).toEqual(["a"]);
  expect(ids("busy", "")).toEqual(["b"]);
  expect(ids("needy", "")).toEqual([]);
  expect(ids("out", "")).toEqual([]);
});

describe("a machine's memory", () => {
  it("is a graphics processor's own where it has some", () => {
    const bar = memoryOf(
      node("a", {
        engines: [engine({ held: [held("big", 10 * GIB, { vram_bytes: 8 * GIB, busy: 1 })] })],
        machine: machine({ vram_bytes: 24 * GIB, vram_free_bytes: 12 * GIB, total_bytes: 64 * GIB, available_bytes: 60 * GIB }),
      }),
    );
    expect([bar.kind, bar.totalBytes, bar.usedBytes, bar.freeBytes]).toEqual(["gpu", 24 * GIB, 12 * GIB, 12 * GIB]);
    expect(bar.parts.map((part) => [part.model, part.bytes / GIB, part.busy])).toEqual([["big", 8, true], ["", 4, false]]);
  });

  it("is what its owner said where nobody reads it", () => {
    const bar = memoryOf(node("a", { memory_bytes: 16 * GIB, engines: [engine({ held: [held("x", GIB), held("y", 3 * GIB)] })] }));
    expect([bar.kind, bar.usedBytes, bar.freeBytes]).toEqual(["unified", 4 * GIB, 12 * GIB]);
    expect(bar.parts.map((part) => [part.model, part.share])).toEqual([["y", 3 / 16], ["x", 1 / 16]]);
  });

  it("is never more than whole, and unknown where nobody said anything", () => {
    const over = memoryOf(node("a", { memory_bytes: GIB, engines: [engine({ held: [held("x", 4 * GIB)] })] }));
    expect([over.parts[0]?.share, over.freeBytes]).toEqual([1, 0]);
    const unknown = memoryOf(node("a"));
    expect([unknown.totalBytes, unknown.freeBytes, unknown.parts]).toEqual([null, null, []]);
  });
});
