// What there is to say before the first word: a place in line, a model that is loaded, a prompt that is read. Pure.
import type { Answer } from "./answer";

export type Wait =
  | { kind: "sending" }
  | { kind: "lost" }
  | { kind: "queued"; position: number; etaS: number | null }
  | { kind: "loading"; node: string; model: string; share: number | null }
  | { kind: "reading"; node: string }
  | { kind: "thinking" };

/** What is known of models on nodes while an answer waits. */
export interface Loading {
  /** Whether a node has the model in memory; null where nobody knows. */
  resident: (node: string, model: string) => boolean | null;
  /** How long it takes until a call can begin there, loading included; null where nobody knows. */
  seconds: (node: string, model: string) => number | null;
}

// No estimate says that it is all but done.
const MOST_SHARE = 0.95;

/** Null once text comes, or at the end. */
export function waitOf(answer: Answer, loading: Loading, nowMs: number): Wait | null {
  if (answer.endedMs !== null) return null;
  if (answer.lost) return { kind: "lost" };
  switch (answer.phase) {
    case "asked":
      return { kind: "sending" };
    case "queued":
      return { kind: "queued", position: answer.position ?? 1, etaS: answer.etaS };
    case "seated": {
      const model = answer.model || answer.askedModel;
      if (loading.resident(answer.node, model) !== false) return { kind: "reading", node: answer.node };
      return { kind: "loading", node: answer.node, model, share: shareOf(loading.seconds(answer.node, model), nowMs - answer.seatedMs) };
    }
    case "begun":
      return { kind: "reading", node: answer.node };
    default:
      return answer.text === "" && answer.reasoning !== "" ? { kind: "thinking" } : null;
  }
}

function shareOf(wholeS: number | null, passedMs: number): number | null {
  return wholeS === null || wholeS <= 0 ? null : Math.min(MOST_SHARE, Math.max(0, passedMs / 1000 / wholeS));
}

// Shorter than this nobody can read it: it would only flicker.
export const SHOWN_MS = 300;

export interface Shown {
  wait: Wait | null;
  sinceMs: number;
}

/** What is shown after `wanted` came up, and in how many milliseconds to look again; null where that is all. Another
 * number in the same sentence is shown at once; another sentence waits until the last could be read. */
export function dwell(shown: Shown, wanted: Wait | null, nowMs: number): { shown: Shown; againMs: number | null } {
  if (shown.wait !== null && wanted?.kind === shown.wait.kind) {
    return { shown: { wait: wanted, sinceMs: shown.sinceMs }, againMs: null };
  }
  const left = shown.wait === null ? 0 : shown.sinceMs + SHOWN_MS - nowMs;
  if (left > 0) return { shown, againMs: left };
  return { shown: { wait: wanted, sinceMs: nowMs }, againMs: null };
}
