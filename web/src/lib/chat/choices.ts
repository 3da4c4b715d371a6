// The models and routes that can be asked for, as the picker shows them: what is warm, where, and how long it takes. Pure.
import type { Schema } from "../api";

export type Choice = Schema<"ModelChoice">;
/** "warm": begins at once. "busy": in memory, behind others. "cold": must be loaded. "away": nothing can take it now. */
export type Warmth = "warm" | "busy" | "cold" | "away";

// A wait that nobody feels.
const AT_ONCE_S = 1;

export function warmth(choice: Choice): Warmth {
  if (!choice.ready || choice.wait_s === null) return "away";
  if (!choice.resident) return "cold";
  return choice.wait_s > AT_ONCE_S ? "busy" : "warm";
}

/** Nodes that would answer, the likeliest first, each once. */
export function nodesOf(choice: Choice): string[] {
  const able = choice.places.filter((place) => place.wait_s !== null);
  return [...new Set(able.sort((a, b) => (a.wait_s ?? 0) - (b.wait_s ?? 0)).map((place) => place.node))];
}

const KINDS: Readonly<Record<Choice["kind"], number>> = { auto: 0, route: 1, alias: 2, model: 3 };
const WARMTHS: Readonly<Record<Warmth, number>> = { warm: 0, busy: 1, cold: 2, away: 3 };

/** What can talk, as it is listed: auto, routes, then models, the warm ones first. Embedding models cannot. */
export function listed(choices: readonly Choice[], typed = ""): Choice[] {
  const wanted = typed.trim().toLocaleLowerCase();
  return choices
    .filter((each) => talks(each) && each.id.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => KINDS[a.kind] - KINDS[b.kind] || WARMTHS[warmth(a)] - WARMTHS[warmth(b)] || a.id.localeCompare(b.id));
}

function talks(choice: Choice): boolean {
  return choice.capabilities.length === 0 || choice.capabilities.includes("completion");
}

export function can(choice: Choice | undefined, what: string): boolean {
  return choice?.capabilities.includes(what) ?? false;
}

/** What a new chat asks for: what was chosen last if it is still there, what the person prefers, else what is first. */
export function firstChoice(choices: readonly Choice[], wanted: readonly string[]): string {
  const all = listed(choices);
  return wanted.find((id) => all.some((each) => each.id === id)) ?? all[0]?.id ?? "";
}
