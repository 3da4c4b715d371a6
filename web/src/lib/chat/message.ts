// A message as the chat shows it: what the API tells of one, or one that is still on its way.
import type { Schema } from "../api";

/** "waiting": written here, not with the service yet. "running": it is being answered now. */
export type MessageState = "waiting" | "running" | "complete" | "failed" | "interrupted";

export interface Attached {
  name: string;
  mediaType: string;
  bytes: number;
  /** Where it can be read; empty for one that is not with the service yet. */
  url: string;
}

/** A node that went on with an answer. */
export interface Rescue {
  /** Empty where it is not known which node broke. */
  from: string;
  to: string;
  /** Words that were there when it broke; null where nobody counted. */
  afterWords: number | null;
}

/** A step that the model asked for on its way to an answer. */
export interface ToolCall {
  id: string;
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
}

/** Why an answer has no good end, in words for people. */
export interface Trouble {
  message: string;
  hint: string;
  /** The API's error type; empty where it was ended on purpose. */
  type: string;
  /** "client", "alone", "restart" where it was ended early. */
  stopped: string;
}

export interface Message {
  id: string;
  parent: string | null;
  role: "system" | "user" | "assistant" | "tool";
  text: string;
  reasoning: string;
  state: MessageState;
  createdMs: number;
  attached: readonly Attached[];
  /** Images that have no file of their own. */
  images: number;
  model: string;
  node: string;
  requestId: string;
  promptTokens: number | null;
  completionTokens: number | null;
  tokensPerS: number | null;
  firstTokenS: number | null;
  finish: string;
  rescues: readonly Rescue[];
  toolCalls: readonly ToolCall[];
  /** Whose result this is, of role "tool". */
  tool: string;
  trouble: Trouble | null;
}

type Told = Schema<"MessageInfo">;

const ROLES: Readonly<Record<string, Message["role"]>> = { system: "system", user: "user", assistant: "assistant", tool: "tool" };

export function messageOf(told: Told): Message {
  const rescued = told.rescued ?? [];
  return {
    ...blank(told.id, told.parent ?? null, ROLES[told.role] ?? "assistant", told.text, Date.parse(told.created_at)),
    reasoning: told.reasoning ?? "",
    state: told.state,
    images: told.images ?? 0,
    attached: (told.attachments ?? []).map((each) => ({
      name: each.name, mediaType: each.media_type, bytes: each.size_bytes, url: `/api/v1/files/${encodeURIComponent(each.file)}/content`,
    })),
    model: told.model ?? "",
    node: told.node ?? "",
    requestId: told.request_id ?? "",
    promptTokens: told.prompt_tokens ?? null,
    completionTokens: told.completion_tokens ?? null,
    tokensPerS: told.tokens_per_s ?? null,
    firstTokenS: told.first_token_ms == null ? null : told.first_token_ms / 1000,
    finish: told.finish ?? "",
    rescues: rescued.map((each, at) => ({ from: rescued[at - 1]?.node ?? "", to: each.node, afterWords: null })),
    toolCalls: told.tool_calls ?? [],
    tool: told.tool ?? "",
    trouble: troubleOf(told),
  };
}

function troubleOf(told: Told): Trouble | null {
  const { error: message = "", error_hint: hint = "", error_type: type = "failed", stopped = "" } = told;
  if (told.state === "failed") return { message, hint, type, stopped: "" };
  if (told.state !== "interrupted") return null;
  return { message, hint, type: "", stopped: stopped || (message ? "restart" : "client") };
}

export function blank(id: string, parent: string | null, role: Message["role"], text: string, createdMs: number): Message {
  return {
    id, parent, role, text, createdMs,
    reasoning: "", state: "complete", attached: [], images: 0, model: "", node: "", requestId: "", promptTokens: null,
    completionTokens: null, tokensPerS: null, firstTokenS: null, finish: "", rescues: [], toolCalls: [], tool: "", trouble: null,
  };
}

/** Words in a text, as people count them. */
export function wordsIn(text: string): number {
  let count = 0;
  let inWord = false;
  for (let at = 0; at < text.length; at++) {
    const space = text.charCodeAt(at) <= 32;
    if (!space && !inWord) count += 1;
    inWord = !space;
  }
  return count;
}
