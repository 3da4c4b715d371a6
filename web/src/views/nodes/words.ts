// Words of the catalogue for what the API calls by a name.
import type { Tone } from "../../components/StateDot.svelte";
import { type Key, t } from "../../i18n/index.svelte";
import type { Schema } from "../../lib/api";

/** How a request ended, and that it was rescued or tried more than once. */
export function requestWord(request: Schema<"RequestInfo">): { tone: Tone; word: string } {
  if (request.status === "ok") {
    if (request.rescued) return { tone: "ok", word: t("nodes.request-rescued") };
    if (request.attempts.length > 1) return { tone: "ok", word: t("nodes.request-retried") };
    return { tone: "ok", word: t("nodes.request-ok") };
  }
  const tone: Tone = request.status === "node_error" ? "bad" : request.status === "cancelled" ? "idle" : "warn";
  return { tone, word: t(`nodes.request-${request.status}`) };
}

// As the scheduler says them (core/scheduling/weighing.py); anything else is shown as it is.
const REASONS: Readonly<Record<string, Key>> = {
  chosen: "nodes.reason-chosen",
  "the first in the owner's order that could start": "nodes.reason-first",
  "its turn by the owner's weights": "nodes.reason-turn",
  "another place is better": "nodes.reason-worse",
  "all slots in use": "nodes.reason-full",
  "a model is loading there": "nodes.reason-loading",
  "the memory it needs is in use": "nodes.reason-in-use",
  "kept for a call that has waited longer": "nodes.reason-claimed",
  "already tried for this call": "nodes.reason-tried",
  "not up": "nodes.reason-not-up",
  "its calls keep failing": "nodes.reason-avoided",
  "the engine no longer has the model": "nodes.reason-gone",
  "the model is larger than the node's memory": "nodes.reason-too-large",
};

export function reasonWord(reason: string): string {
  const key = REASONS[reason];
  return key ? t(key) : reason;
}

const CAUSES: Readonly<Record<Schema<"IncidentInfo">["cause"], { tone: Tone; key: Key }>> = {
  node_down: { tone: "bad", key: "nodes.cause-node_down" },
  engine_down: { tone: "bad", key: "nodes.cause-engine_down" },
  calls_fail: { tone: "warn", key: "nodes.cause-calls_fail" },
  lost: { tone: "bad", key: "nodes.cause-lost" },
  rescued: { tone: "ok", key: "nodes.cause-rescued" },
  moved: { tone: "ok", key: "nodes.cause-moved" },
  drained: { tone: "idle", key: "nodes.cause-drained" },
  drill: { tone: "idle", key: "nodes.cause-drill" },
  took_over: { tone: "busy", key: "nodes.cause-took_over" },
};

export function causeWord(cause: Schema<"IncidentInfo">["cause"]): { tone: Tone; word: string } {
  const known = CAUSES[cause] as { tone: Tone; key: Key } | undefined;
  return known ? { tone: known.tone, word: t(known.key) } : { tone: "unknown", word: cause };
}
