// What is asked of the service, before it becomes a request: the one place that knows how the chat's route is spoken to.
import type { Attached } from "./message";

export interface Params {
  temperature: number | null;
  topP: number | null;
  maxTokens: number | null;
  seed: number | null;
  /** Null: as the model does it. */
  think: boolean | null;
}
export const NO_PARAMS: Params = { temperature: null, topP: null, maxTokens: null, seed: null, think: null };

/** As the service keeps them with a conversation. */
interface ToldParams {
  temperature?: number | null;
  top_p?: number | null;
  max_tokens?: number | null;
  seed?: number | null;
  think?: boolean | null;
}

export function paramsOf(told: ToldParams): Params {
  return {
    temperature: told.temperature ?? null, topP: told.top_p ?? null, maxTokens: told.max_tokens ?? null, seed: told.seed ?? null, think: told.think ?? null,
  };
}

/** Without what is not set. */
export function toldOf(params: Params): ToldParams {
  const all = { temperature: params.temperature, top_p: params.topP, max_tokens: params.maxTokens, seed: params.seed, think: params.think };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** A file that goes with a message, as IndexedDB keeps it until it is sent. */
export interface Enclosed extends Attached {
  /** A picture's or file's bytes; null once it is a file of the service's. */
  blob: Blob | null;
  /** The service's file; empty until it has it. */
  file: string;
}

interface Common {
  model: string;
  /** The only node that may answer; empty: whichever is best. */
  node: string;
  params: Params;
  system: string;
  /** Nothing of the chat is kept; left out by letters of an older portal. */
  temporary?: boolean;
}

/** "say" a new message after `after` (null: as the first); "again": another answer to the question
 * `message`; "go-on" with the cut answer `message`, which is shown until its `beginning` comes again. */
export type Ask =
  | (Common & { kind: "say"; text: string; after: string | null; enclosed: readonly Enclosed[] })
  | (Common & { kind: "again"; message: string })
  | (Common & { kind: "go-on"; message: string; parent: string | null; beginning: string });
