// The state that the event stream keeps up to date (/api/v1/events): a snapshot, then what changed of it. Pure.
import type { components } from "./api-types";

type Schemas = components["schemas"];
type Known<Name extends string, Else = { id: string }> = Name extends keyof Schemas ? Schemas[Name] : Else;
export type LiveNode = Known<"LiveNode">;
export type LiveModel = Known<"LiveModel">;
export type LiveGeneration = Known<"LiveGeneration">;
export type LiveJob = Known<"JobInfo">;
export type LiveIncident = Known<"IncidentInfo">;
export type LiveQueue = Known<"LiveQueue", { waiting: number; running: number }>;

/** Null where the topic has not been told of: no snapshot yet, or not for whoever asks. */
export interface Live {
  nodes: readonly LiveNode[] | null;
  models: readonly LiveModel[] | null;
  generations: readonly LiveGeneration[] | null;
  jobs: readonly LiveJob[] | null;
  incidents: readonly LiveIncident[] | null;
  queue: LiveQueue | null;
  discovery: { proposals: number } | null;
}

export const NOTHING: Live = { nodes: null, models: null, generations: null, jobs: null, incidents: null, queue: null, discovery: null };

const LISTS = ["nodes", "models", "generations", "jobs", "incidents"] as const;
const WHOLE = ["queue", "discovery"] as const;

interface Delta {
  changed?: readonly { id: string }[];
  gone?: readonly string[];
}

/** The state after an event. A snapshot resets everything; events of topics that are not known change nothing. */
export function after(live: Live, event: string, data: unknown): Live {
  if (typeof data !== "object" || data === null) return live;
  if (event === "snapshot") return fromSnapshot(data);
  if (isOf(LISTS, event)) return { ...live, [event]: merged(live[event] ?? [], data as Delta) };
  if (isOf(WHOLE, event)) return { ...live, [event]: data };
  return live;
}

function fromSnapshot(data: object): Live {
  const told = data as Partial<Live>;
  const found: Record<string, unknown> = {};
  for (const topic of [...LISTS, ...WHOLE]) found[topic] = told[topic] ?? null;
  return found as unknown as Live;
}

/** Items stay in their places, so that lists on the screen do; new ones come last. */
function merged(items: readonly { id: string }[], { changed = [], gone = [] }: Delta): readonly { id: string }[] {
  const news = new Map(changed.map((each) => [each.id, each]));
  const left = new Set(gone);
  const kept = items.filter((each) => !left.has(each.id)).map((each) => {
    const other = news.get(each.id);
    news.delete(each.id);
    return other ?? each;
  });
  return [...kept, ...news.values()];
}

function isOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}
