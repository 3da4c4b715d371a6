// The decision behind a request: which places there were, what each would have cost, and what happened. Pure.
import type { Schema } from "../api";

export type RequestInfo = Schema<"RequestInfo">;
type Candidate = Schema<"CandidateInfo">;
type Attempt = Schema<"AttemptInfo">;

/** What a cost is made of; `own` is the call's own time there. */
export const COSTS = ["own", "harm", "eviction", "doubt"] as const;
export type Cost = (typeof COSTS)[number];

export interface Place {
  engine: string;
  node: string;
  model: string;
  chosen: boolean;
  reason: string;
  /** Null where it was out of the question. */
  cost: number | null;
  /** Parts of the longest bar, from 0 to 1. */
  parts: { cost: Cost; value: number; share: number }[];
  waitS: number;
  firstS: number;
  finishS: number;
  prior: number;
}

/** The chosen one first, then by cost, then those that were out of the question. */
export function placesOf(request: RequestInfo): Place[] {
  const costs = request.candidates.map((each) => each.run ?? 0);
  const longest = Math.max(0, ...costs);
  const places = request.candidates.map((each) => placeOf(each, longest));
  const rank = (place: Place) => (place.chosen ? 0 : place.cost === null ? 2 : 1);
  return places.sort((a, b) => rank(a) - rank(b) || (a.cost ?? 0) - (b.cost ?? 0) || a.engine.localeCompare(b.engine));
}

function placeOf(each: Candidate, longest: number): Place {
  const prior = each.prior ?? 1;
  const value = (cost: Cost) => (each[cost] ?? 0) * prior;
  return {
    engine: each.engine,
    node: nodeOf(each.engine),
    model: each.model ?? "",
    chosen: each.chosen,
    reason: each.reason,
    cost: each.run ?? null,
    parts: each.run == null || longest === 0 ? [] : COSTS.filter((cost) => value(cost) > 0).map((cost) => ({ cost, value: value(cost), share: value(cost) / longest })),
    waitS: each.wait_s ?? 0,
    firstS: each.first_s ?? 0,
    finishS: each.finish_s ?? 0,
    prior,
  };
}

/** An engine's id is `node/kind`, with more behind where there are several. */
export function nodeOf(engine: string): string {
  return engine.split("/", 1)[0] ?? engine;
}

export interface Span {
  /** `cut`: it answered, and broke off. `whole`: an answer that came in one piece. */
  kind: "queue" | "first" | "whole" | "answer" | "failed" | "cut" | "cancelled" | "slower";
  fromS: number;
  untilS: number;
}

export interface Lane {
  engine: string;
  node: string;
  outcome: string;
  why: string;
  /** It went on with what another engine had begun. */
  rescue: boolean;
  spans: Span[];
}

export interface Timeline {
  totalS: number;
  firstByteS: number | null;
  queueS: number;
  lanes: Lane[];
}

const AT_ONCE_S = 0.005;
const RESCUE = "It went on by";

/** Each attempt with its time until the first word and its time of answering. Attempts without times are shown without. */
export function timelineOf(request: RequestInfo): Timeline {
  const ends = request.attempts.map((each) => each.ended_s ?? 0);
  const totalS = Math.max(request.total_s, request.queue_s, ...ends, 0.001);
  const firstByteS = request.first_byte_s ?? null;
  return {
    totalS,
    firstByteS,
    queueS: request.queue_s,
    lanes: request.attempts.map((attempt) => ({
      engine: attempt.engine,
      node: nodeOf(attempt.engine),
      outcome: attempt.outcome,
      why: attempt.why,
      rescue: attempt.why.startsWith(RESCUE),
      spans: spansOf(attempt, firstByteS),
    })),
  };
}

function spansOf(attempt: Attempt, firstByteS: number | null): Span[] {
  const began = attempt.began_s ?? null;
  const ended = attempt.ended_s ?? null;
  if (began === null || ended === null) return [];
  const end = endOf(attempt.outcome);
  // The first byte is the call's: it is within the attempt that brought it, and later ones had begun after it.
  if (firstByteS === null || firstByteS > ended) return [{ kind: end === "answer" ? "first" : end, fromS: began, untilS: ended }];
  // Not streamed: the first byte is there when all is.
  if (end === "answer" && ended - firstByteS < AT_ONCE_S) return [{ kind: "whole", fromS: began, untilS: ended }];
  if (firstByteS <= began) return [{ kind: end, fromS: began, untilS: ended }];
  return [
    { kind: "first", fromS: began, untilS: firstByteS },
    { kind: end === "failed" ? "cut" : end, fromS: firstByteS, untilS: ended },
  ];
}

function endOf(outcome: string): Span["kind"] {
  if (outcome === "ok") return "answer";
  if (outcome === "cancelled" || outcome === "slower") return outcome;
  return "failed";
}

/** Tokens a second of the answer; null where there is too little to tell. */
export function speedOf(request: RequestInfo): number | null {
  const seconds = request.total_s - (request.first_byte_s ?? request.queue_s);
  const tokens = request.usage.completion_tokens;
  return tokens > 1 && seconds > 0.05 ? tokens / seconds : null;
}
