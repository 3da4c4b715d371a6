// Usage as it is drawn: days without gaps, the largest shares first. Pure; `now` is an argument.
import type { components } from "../api-types";

export type Sums = components["schemas"]["UsageSums"];
export type Range = 1 | 7 | 30 | 90;
export type By = "user" | "model" | "node" | "key";
export type Measure = "tokens" | "calls" | "images";

const DAY_MS = 86_400_000;

/** The first and the last of the last days, today with them; days begin at midnight UTC, as the service counts them. */
export function rangeOf(days: Range, now: Date): { from: string; to: string } {
  return { from: dayOf(now.getTime() - (days - 1) * DAY_MS), to: dayOf(now.getTime()) };
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

export function measured(sums: Sums, measure: Measure): number {
  return measure === "tokens" ? sums.prompt_tokens + sums.completion_tokens : sums[measure];
}

/** One number for each day of the range, oldest first: 0 where nothing was used. */
export function daily(rows: readonly Sums[], days: Range, now: Date, measure: Measure): { day: string; value: number }[] {
  const used = new Map<string, number>();
  for (const row of rows) if (row.day) used.set(row.day, (used.get(row.day) ?? 0) + measured(row, measure));
  return Array.from({ length: days }, (_, at) => {
    const day = dayOf(now.getTime() - (days - 1 - at) * DAY_MS);
    return { day, value: used.get(day) ?? 0 };
  });
}

export function named(row: Sums, by: By): string {
  if (by === "user") return row.user_name || row.user || "";
  if (by === "key") return row.key_name || row.key || "";
  return row[by] ?? "";
}

/** A round number at or above `most`, where an axis may end: 1, 2 or 5 times a power of ten; at least 1. */
export function axisEnd(most: number): number {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((each) => each >= most) ?? most;
}
