// What is left of the set-up, and what is going on, for the first page. Pure.
import type { LiveGeneration, LiveJob } from "../live";

export const STEPS = ["name", "machines", "chat"] as const;
export type Step = (typeof STEPS)[number];

/** What the service is called as long as nobody has named it. */
const UNNAMED = "Potluck";

export interface SetUp {
  name: string;
  /** Machines that serve with an engine of somebody's, beside the embedded one. */
  machines: number;
  chats: number;
  skipped: readonly string[];
}

export interface StepState {
  step: Step;
  state: "done" | "skipped" | "open";
}

export function stepsOf({ name, machines, chats, skipped }: SetUp): StepState[] {
  const done: Record<Step, boolean> = { name: name !== UNNAMED, machines: machines > 0, chat: chats > 0 };
  return STEPS.map((step) => ({ step, state: done[step] ? "done" : skipped.includes(step) ? "skipped" : "open" }));
}

/** Work of somebody's own that has not ended, the newest first. */
export function underWay(generations: readonly LiveGeneration[], jobs: readonly LiveJob[]): { generations: LiveGeneration[]; jobs: LiveJob[] } {
  const newest = (a: { created_at: string }, b: { created_at: string }) => b.created_at.localeCompare(a.created_at);
  return {
    generations: generations.filter((each) => each.state === "running").sort(newest),
    jobs: jobs.filter((each) => each.state === "queued" || each.state === "running").sort(newest),
  };
}
