import { expect, it } from "vitest";

import type { LiveGeneration, LiveJob } from "../live";
import { backupHint, stepsOf, underWay } from "./setup";

const states = (...asked: Parameters<typeof stepsOf>) => stepsOf(...asked).map((each) => each.state);

it("has three steps at first, and leaves out what is done or not wanted", () => {
  expect(states({ named: false, machines: false, chatted: false, done: false }, [])).toEqual(["open", "open", "open"]);
  expect(states({ named: true, machines: false, chatted: true, done: false }, ["machines"])).toEqual(["done", "skipped", "done"]);
});

it("has a word for a backup that is missing, failed or old, and none where none can be made", () => {
  const hint = (last_made_at: string | null, trouble = "", possible = true) => backupHint({ possible, last_made_at, trouble }, new Date("2026-03-01"));
  expect([hint(null), hint("2026-02-28", "The disk is full."), hint("2026-01-02"), hint("2026-02-28"), hint(null, "", false)]).toEqual(["none", "failed", "old", null, null]);
});

it("shows what has not ended, the newest first", () => {
  const generation = (id: string, state: string) => ({ id, state, created_at: id }) as LiveGeneration;
  const job = (id: string, state: string) => ({ id, state, created_at: id }) as LiveJob;
  const work = underWay([generation("1", "running"), generation("2", "complete"), generation("3", "running")], [job("1", "queued"), job("2", "done")]);
  expect(work.generations.map((each) => each.id)).toEqual(["3", "1"]);
  expect(work.jobs.map((each) => each.id)).toEqual(["1"]);
});
