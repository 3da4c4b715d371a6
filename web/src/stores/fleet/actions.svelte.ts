// What is done to machines and models, with what is under way: a load takes as long as it takes.
import { api } from "../client";
import { details } from "./details.svelte";

export type Verb = "load" | "unload" | "pin" | "unpin" | "delete";

interface Working {
  verb: Verb;
  /** The browser's clock when it began. */
  since: number;
}

let working = $state.raw<ReadonlyMap<string, Working>>(new Map());

const keyOf = (engine: string, model: string) => `${engine} ${model}`;

/** What is being done to a model on an engine; null for nothing. */
export function workOn(engine: string, model: string): Working | null {
  return working.get(keyOf(engine, model)) ?? null;
}

/** Loads, unloads, pins or removes a model on one engine. Rejects with `ApiError`. */
export async function keep(verb: Verb, model: string, node: string, engine: string): Promise<void> {
  const key = keyOf(engine, model);
  working = new Map([...working, [key, { verb, since: Date.now() }]]);
  // An engine's name as the API takes it is without its node's.
  const where = { node, engine };
  try {
    if (verb === "delete") await api.delete("/api/v1/models/{name}", { path: { name: model }, query: where });
    else await api.post(`/api/v1/models/{name}/${verb}`, { path: { name: model }, body: where });
    await details.read();
  } finally {
    working = new Map([...working].filter(([each]) => each !== key));
  }
}

export function drain(node: string) {
  return api.post("/api/v1/nodes/{node}/drain", { path: { node } });
}

export function resume(node: string) {
  return api.post("/api/v1/nodes/{node}/resume", { path: { node } });
}

/** What happens to the models of a machine that is taken out; changes nothing. */
export function drainPlan(node: string) {
  return api.post("/api/v1/drills/plan", { body: { node, how: "drain" } });
}
