// An answer while it comes: each event of its stream makes the next state. Pure; `now` is an argument.
import type { Schema } from "../api";
import type { ServerEvent } from "../sse";
import { blank, type Message, type Rescue, type Trouble, wordsIn } from "./message";

/** "asked": sent, nothing heard. "seated": a node has it, and loads the model or reads the prompt. */
export type Phase = "asked" | "queued" | "seated" | "begun" | "writing" | "done" | "failed" | "stopped";

export interface Answer {
  /** The message's id too. Empty until the service has named it. */
  id: string;
  /** The question that it answers. */
  parent: string | null;
  phase: Phase;
  position: number | null;
  etaS: number | null;
  askedModel: string;
  model: string;
  node: string;
  requestId: string;
  text: string;
  /** What a cut answer had, while the rest of it is waited for: the stream begins with it. */
  beginning: string;
  /** The cut answer in whose place this one comes; empty for none. */
  continues: string;
  reasoning: string;
  rescues: readonly Rescue[];
  trouble: Trouble | null;
  usage: Schema<"UsageInfo"> | null;
  timings: Schema<"TimingsInfo"> | null;
  /** By the service's clocks; null where it does not say. */
  tokensPerS: number | null;
  firstTokenS: number | null;
  finish: string;
  /** Number of the last event that was taken: where to go on. */
  last: number;
  startedMs: number;
  /** When its node took it. */
  seatedMs: number;
  firstMs: number | null;
  endedMs: number | null;
  /** The connection is lost and is being made anew. */
  lost: boolean;
}

export function asked(id: string, parent: string | null, model: string, nowMs: number): Answer {
  return {
    id, parent, phase: "asked", position: null, etaS: null, askedModel: model, model: "", node: "", requestId: "", text: "",
    beginning: "", continues: "", reasoning: "", rescues: [], trouble: null, usage: null, timings: null, tokensPerS: null, firstTokenS: null, finish: "", last: 0, startedMs: nowMs, seatedMs: nowMs,
    firstMs: null, endedMs: null, lost: false,
  };
}

/** An answer as the service tells of it, to be gone on with after its `last` event. */
export function resumed(told: Schema<"GenerationState">, nowMs: number): Answer {
  const begun = told.text !== "" || told.reasoning !== "";
  const answer: Answer = {
    ...asked(told.id, told.user_message, told.asked_model, Date.parse(told.created_at) || nowMs),
    phase: begun ? "writing" : told.queued ? "queued" : told.node ? "seated" : "asked",
    position: told.queued?.position ?? null,
    etaS: told.queued?.eta_s ?? null,
    model: told.model ?? "",
    node: told.node ?? "",
    requestId: told.request_id,
    text: told.text,
    reasoning: told.reasoning,
    last: told.last_event,
    firstMs: begun ? nowMs : null,
  };
  if (told.done) return done(answer, told.done, nowMs);
  if (told.error) return failed(answer, { ...told.error, hint: told.error.hint ?? "" }, nowMs);
  if (told.stopped) return stopped(answer, told.stopped, nowMs);
  return answer;
}

export function over(answer: Answer): boolean {
  return answer.phase === "done" || answer.phase === "failed" || answer.phase === "stopped";
}

/** The answer after an event. One that was taken already, or is not understood, changes nothing. */
export function step(answer: Answer, event: ServerEvent, nowMs: number): Answer {
  const number = Number(event.id);
  if (over(answer) || (number > 0 && number <= answer.last)) return answer;
  const data = parsed(event.data);
  if (data === null) return answer;
  const heard = { ...answer, last: number > 0 ? number : answer.last, lost: false };
  switch (event.event) {
    case "queued": {
      const { position, eta_s } = data as Schema<"InLineInfo">;
      return { ...heard, phase: "queued", position, etaS: eta_s };
    }
    case "seated":
      return { ...heard, phase: "seated", seatedMs: nowMs, node: (data as Schema<"SeatedInfo">).node, position: null, etaS: null };
    case "meta": {
      const meta = data as Schema<"ChatMeta">;
      const phase = heard.phase === "writing" ? "writing" : "begun";
      return {
        ...heard, phase, id: meta.message, parent: meta.user_message, node: meta.node, model: meta.model,
        requestId: meta.request_id, position: null, etaS: null,
        continues: meta.continues || heard.continues,
      };
    }
    case "delta":
      return { ...begun(heard, nowMs), text: heard.text + (data as Schema<"Delta">).text };
    case "reasoning":
      return { ...begun(heard, nowMs), reasoning: heard.reasoning + (data as Schema<"Delta">).text };
    case "rescued": {
      const { node } = data as Schema<"RescuedInfo">;
      const rescue = { from: heard.node, to: node, afterWords: wordsIn(heard.text) };
      return { ...heard, node, rescues: [...heard.rescues, rescue] };
    }
    case "done":
      return done(heard, data as Schema<"ChatDone">, nowMs);
    case "error":
      return failed(heard, (data as Schema<"ErrorBody">).error, nowMs);
    case "stopped":
      return stopped(heard, data as Schema<"StoppedInfo">, nowMs);
    default:
      return heard;
  }
}

function begun(answer: Answer, nowMs: number): Answer {
  return { ...answer, phase: "writing", firstMs: answer.firstMs ?? nowMs };
}

function done(answer: Answer, told: Schema<"ChatDone">, nowMs: number): Answer {
  return {
    ...answer,
    phase: "done",
    finish: told.finish ?? "",
    usage: told.usage ?? null,
    timings: told.timings ?? null,
    tokensPerS: told.tokens_per_s ?? null,
    firstTokenS: told.first_token_ms == null ? null : told.first_token_ms / 1000,
    endedMs: nowMs,
  };
}

export function failed(answer: Answer, told: { type: string; message: string; hint: string }, nowMs: number): Answer {
  const trouble = { message: told.message, hint: told.hint, type: told.type, stopped: "" };
  return { ...answer, phase: "failed", trouble, endedMs: nowMs, lost: false };
}

export function stopped(answer: Answer, told: Schema<"StoppedInfo">, nowMs: number): Answer {
  const trouble = { message: told.message ?? "", hint: "", type: "", stopped: told.why };
  return { ...answer, phase: "stopped", trouble, endedMs: nowMs, lost: false };
}

const STATES: Readonly<Partial<Record<Phase, Message["state"]>>> = { done: "complete", failed: "failed", stopped: "interrupted" };

/** The answer as a message of its conversation. */
export function asMessage(answer: Answer): Message {
  return {
    ...blank(answer.id, answer.parent, "assistant", answer.text || answer.beginning, answer.startedMs),
    reasoning: answer.reasoning,
    state: STATES[answer.phase] ?? "running",
    model: answer.model || answer.askedModel,
    node: answer.node,
    requestId: answer.requestId,
    promptTokens: answer.usage?.prompt_tokens ?? null,
    completionTokens: answer.usage?.completion_tokens ?? null,
    tokensPerS: answer.tokensPerS ?? speed(answer),
    firstTokenS: answer.firstTokenS ?? (answer.firstMs === null ? null : (answer.firstMs - answer.startedMs) / 1000),
    finish: answer.finish,
    rescues: answer.rescues,
    trouble: answer.trouble,
  };
}

/** Tokens a second while it was written: by the engine's own clock, else by ours. */
function speed({ usage, timings, firstMs, endedMs }: Answer): number | null {
  if (!usage?.completion_tokens) return null;
  if (timings?.decode_s) return usage.completion_tokens / timings.decode_s;
  if (firstMs === null || endedMs === null || endedMs - firstMs < 200) return null;
  return usage.completion_tokens / ((endedMs - firstMs) / 1000);
}

function parsed(data: string): unknown {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" ? value : null;
  } catch {
    return null; // half a line of a proxy's: the next event has its own
  }
}
