// What is left of the set-up, and what is going on, for the first page. Pure.
import type { components } from "../api-types";
import type { LiveGeneration, LiveJob } from "../live";

type Schemas = components["schemas"];

export const STEPS = ["name", "machines", "chat"] as const;
export type Step = (typeof STEPS)[number];

export interface StepState {
  step: Step;
  state: "done" | "skipped" | "open";
}

/** What the service says is done, and what somebody does not want. */
export function stepsOf(told: Schemas["SetUpInfo"], skipped: readonly string[]): StepState[] {
  const done: Record<Step, boolean> = { name: told.named, machines: told.machines, chat: told.chatted };
  return STEPS.map((step) => ({ step, state: done[step] ? "done" : skipped.includes(step) ? "skipped" : "open" }));
}

/** A backup older than that is worth a word. */
const OLD_MS = 30 * 86_400_000;

/** What is to be said of backups; null where all is well, or none can be made here. */
export function backupHint(told: Schemas["BackupHint"], now: Date): "none" | "failed" | "old" | null {
  if (!told.possible) return null;
  if (told.trouble !== "") return "failed";
  if (told.last_made_at === null) return "none";
  return now.getTime() - Date.parse(told.last_made_at) > OLD_MS ? "old" : null;
}

/** Work of somebody's own that has not ended, the newest first. */
export function underWay(generations: readonly LiveGeneration[], jobs: readonly LiveJob[]): { generations: LiveGeneration[]; jobs: LiveJob[] } {
  const newest = (a: { created_at: string }, b: { created_at: string }) => b.created_at.localeCompare(a.created_at);
  return {
    generations: generations.filter((each) => each.state === "running").sort(newest),
    jobs: jobs.filter((each) => each.state === "queued" || each.state === "running").sort(newest),
  };
}
