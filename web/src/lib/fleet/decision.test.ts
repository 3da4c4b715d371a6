import { describe, expect, it } from "vitest";

import { ApiError } from "../errors";
import { placesOf, type RequestInfo, speedOf, timelineOf } from "./decision";
import { begun, isRunning, pulled, shareOf } from "./pull";

type Candidate = RequestInfo["candidates"][number];
type Attempt = RequestInfo["attempts"][number];

function candidate(engine: string, over: Partial<Candidate> = {}): Candidate {
  return {
    engine, chosen: false, reason: "another place is better", model: "m", run: 1, own: 1, harm: 0, eviction: 0, doubt: 0,
    prior: 1, wait_s: 0, first_s: 0, finish_s: 0, ...over,
  };
}

function request(over: Partial<RequestInfo> = {}): RequestInfo {
  return {
    id: "r", at: "", family: "openai", asked_model: "m", model: "m", route: "", node: "a", engine: "a/ollama", status: "ok",
    http_status: 200, queue_s: 0, first_byte_s: 1, total_s: 4, error: "", choice: "", replay: null, user: "", rescued: false,
    usage: { prompt_tokens: 1, completion_tokens: 30, cached_tokens: 0, reasoning_tokens: 0, estimated: false },
    attempts: [], candidates: [], ...over,
  };
}

const attempt = (over: Partial<Attempt>): Attempt => ({ engine: "a/ollama", outcome: "ok", why: "", began_s: 0, ended_s: 4, ...over });

it("draws places by cost, with the chosen one first and those out of the question last", () => {
  const places = placesOf(
    request({
      candidates: [
        candidate("c/x", { run: null, reason: "not up" }),
        candidate("b/x", { run: 4, own: 1, harm: 1, prior: 2 }),
        candidate("a/x", { run: 2, own: 2, chosen: true }),
      ],
    }),
  );
  expect(places.map((place) => [place.node, place.cost])).toEqual([["a", 2], ["b", 4], ["c", null]]);
  expect(places[1]?.parts).toEqual([{ cost: "own", value: 2, share: 0.5 }, { cost: "harm", value: 2, share: 0.5 }]);
  expect(places[2]?.parts).toEqual([]);
});

describe("what happened", () => {
  it("is a rescue where one engine went on with what another had begun", () => {
    const line = timelineOf(
      request({
        attempts: [
          attempt({ outcome: "node_error", why: "cut off", ended_s: 2 }),
          attempt({ engine: "b/ollama", why: "It went on by prefix.", began_s: 2, ended_s: 4 }),
        ],
      }),
    );
    expect(line.lanes.map((lane) => [lane.node, lane.rescue])).toEqual([["a", false], ["b", true]]);
    expect(line.lanes[0]?.spans).toEqual([{ kind: "first", fromS: 0, untilS: 1 }, { kind: "cut", fromS: 1, untilS: 2 }]);
    expect(line.lanes[1]?.spans).toEqual([{ kind: "answer", fromS: 2, untilS: 4 }]);
  });

  it("has an attempt without a word as failed, and one without times as nothing", () => {
    const line = timelineOf(request({ first_byte_s: null, attempts: [attempt({ outcome: "node_error", ended_s: 2 }), attempt({ began_s: null })] }));
    expect(line.lanes.map((lane) => lane.spans)).toEqual([[{ kind: "failed", fromS: 0, untilS: 2 }], []]);
  });

  it("is an answer in one piece where it was not streamed", () => {
    expect(timelineOf(request({ first_byte_s: 4, attempts: [attempt({})] })).lanes[0]?.spans).toEqual([{ kind: "whole", fromS: 0, untilS: 4 }]);
  });

  it("has a scale although it took no time", () => {
    expect(timelineOf(request({ total_s: 0 })).totalS).toBeGreaterThan(0);
  });
});

it("tells a speed only where there is one", () => {
  expect(speedOf(request())).toBe(10);
  expect(speedOf(request({ first_byte_s: 4 }))).toBe(null);
});

it("follows a pull to its end", () => {
  let pull = begun(1, "qwen3:8b", "");
  expect([isRunning(pull), shareOf(pull)]).toEqual([true, null]);
  pull = pulled(pull, "placed", { model: "qwen3:8b", node: "a", engine: "a/ollama", reason: "most room", others: [] });
  pull = pulled(pull, "progress", { status: "pulling", bytes: 5, total: 10, rate: 1, eta_s: 5, node: "a", engine: "a/ollama" });
  expect([pull.node, shareOf(pull), pull.etaS, pulled(pull, "other", {})]).toEqual(["a", 0.5, 5, pull]);
  pull = pulled(pull, "done", { model: "qwen3:8b", node: "a", engine: "a/ollama", bytes: 10, license: "MIT" });
  expect([pull.state, shareOf(pull), isRunning(pull)]).toEqual(["done", 1, false]);
  expect(isRunning({ ...pull, state: "failed", error: new ApiError(0, "offline", "") })).toBe(false);
});
