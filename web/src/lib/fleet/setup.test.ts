import { expect, it } from "vitest";

import type { LiveGeneration, LiveJob } from "../live";
import { stepsOf, underWay } from "./setup";

const states = (...asked: Parameters<typeof stepsOf>) => stepsOf(...asked).map((each) => each.state);

it("has three steps at first, and leaves out what is done or not wanted", () => {
  expect(states({ name: "Potluck", machines: 0, chats: 0, skipped: [] })).toEqual(["open", "open", "open"]);
  expect(states({ name: "Home AI", machines: 0, chats: 1, skipped: ["machines"] })).toEqual(["done", "skipped", "done"]);
});

it("shows what has not ended, the newest first", () => {
  const generation = (id: string, state: string) => ({ id, state, created_at: id }) as LiveGeneration;
  const job = (id: string, state: string) => ({ id, state, created_at: id }) as LiveJob;
  const work = underWay([generation("1", "running"), generation("2", "complete"), generation("3", "running")], [job("1", "queued"), job("2", "done")]);
  expect(work.generations.map((each) => each.id)).toEqual(["3", "1"]);
  expect(work.jobs.map((each) => each.id)).toEqual(["1"]);
});
