// A drill as it is told: what of it counts for whoever looks on, and how a machine's calls went. Pure.
import type { components } from "../api-types";

type Schemas = components["schemas"];
export type DrillReport = Schemas["DrillReport"];
export type DrillTone = "ok" | "bad" | "warn" | "idle" | "busy";

const TONES: Readonly<Record<NonNullable<DrillReport["outcome"]>, DrillTone>> = {
  held: "ok", lost: "bad", stopped: "idle", broken_off: "warn", interrupted: "warn",
};

export function toneOf(drill: DrillReport): DrillTone {
  return drill.outcome === null ? "busy" : TONES[drill.outcome];
}

/** The one that is not over; there is one at a time. */
export function underWay(drills: readonly DrillReport[]): DrillReport | null {
  return drills.find((each) => each.stage !== "over") ?? null;
}

/** How much of its time has passed, 0 to 1; null where that is not known yet, or any more. */
export function passed(drill: DrillReport, now: Date): number | null {
  if (drill.until === null || drill.stage !== "under_way" || drill.seconds <= 0) return null;
  const left = (Date.parse(drill.until) - now.getTime()) / 1000;
  return Math.min(1, Math.max(0, 1 - left / drill.seconds));
}

/** "90", "2m", "1h" as seconds; null for what is none, or beyond what the service takes. */
export function secondsOf(text: string): number | null {
  const found = /^(\d{1,5})\s*(s|m|min|h)?$/.exec(text.trim().toLowerCase());
  if (!found) return null;
  const unit = found[2] ?? "s";
  const seconds = Number(found[1]) * (unit === "h" ? 3600 : unit === "s" ? 1 : 60);
  return seconds >= 1 && seconds <= 3600 ? seconds : null;
}
