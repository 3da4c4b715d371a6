// Usage as it is drawn: days or hours without gaps, the largest shares first. Pure; `now` is an argument.
import type { components } from "../api-types";

export type Sums = components["schemas"]["UsageSums"];
export type Range = 1 | 7 | 30 | 90;
export type By = "user" | "model" | "node" | "key";
export type Measure = "tokens" | "calls" | "images";

/** A bar of the chart: a day ("2026-11-26") or an hour ("2026-11-26T14") of UTC. */
export interface Bar {
  time: string;
  value: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** The last day is told of by the hour, whenever it began. */
export const HOURS = 24;

/** The first and the last of the last days, today with them; days begin at midnight UTC, as the service counts them. One
 * day is the last 24 hours, which began yesterday. */
export function rangeOf(days: Range, now: Date): { from: string; to: string } {
  const back = days === 1 ? 1 : days - 1;
  return { from: dayOf(now.getTime() - back * DAY_MS), to: dayOf(now.getTime()) };
}

function hourOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 13);
}

/** Those of the last 24 hours, the hour that runs among them. */
export function lately(rows: readonly Sums[], now: Date): Sums[] {
  const [first, last] = [hourOf(now.getTime() - (HOURS - 1) * HOUR_MS), hourOf(now.getTime())];
  return rows.filter((row) => row.hour != null && row.hour >= first && row.hour <= last);
}

/** One number for each of the last 24 hours, oldest first. */
export function hourly(rows: readonly Sums[], now: Date, measure: Measure): Bar[] {
  const used = new Map<string, number>();
  for (const row of rows) if (row.hour) used.set(row.hour, (used.get(row.hour) ?? 0) + measured(row, measure));
  return Array.from({ length: HOURS }, (_, at) => {
    const time = hourOf(now.getTime() - (HOURS - 1 - at) * HOUR_MS);
    return { time, value: used.get(time) ?? 0 };
  });
}

/** Rows that are about one user, model, node or key as one, whatever their hours. */
export function summed(rows: readonly Sums[], by: By): Sums[] {
  const found = new Map<string, Sums>();
  for (const row of rows) {
    const name = row[by] ?? "";
    const before = found.get(name);
    found.set(name, before ? added(before, row) : { ...row, hour: null });
  }
  return [...found.values()];
}

const NOTHING: Sums = {
  calls: 0, failed: 0, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, images: 0, engine_s: 0, energy_wh: null,
  day: null, hour: null, user: null, user_name: null, key: null, key_name: null, model: null, node: null,
};

/** All of them as one. */
export function total(rows: readonly Sums[]): Sums {
  return rows.reduce(added, NOTHING);
}

function added(one: Sums, other: Sums): Sums {
  return {
    ...one,
    calls: one.calls + other.calls,
    failed: one.failed + other.failed,
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
    cached_tokens: one.cached_tokens + other.cached_tokens,
    images: one.images + other.images,
    engine_s: one.engine_s + other.engine_s,
    energy_wh: one.energy_wh === null && other.energy_wh === null ? null : (one.energy_wh ?? 0) + (other.energy_wh ?? 0),
  };
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

export function measured(sums: Sums, measure: Measure): number {
  return measure === "tokens" ? sums.prompt_tokens + sums.completion_tokens : sums[measure];
}

/** One number for each day of the range, oldest first: 0 where nothing was used. */
export function daily(rows: readonly Sums[], days: Range, now: Date, measure: Measure): Bar[] {
  const used = new Map<string, number>();
  for (const row of rows) if (row.day) used.set(row.day, (used.get(row.day) ?? 0) + measured(row, measure));
  return Array.from({ length: days }, (_, at) => {
    const day = dayOf(now.getTime() - (days - 1 - at) * DAY_MS);
    return { time: day, value: used.get(day) ?? 0 };
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
