import { expect, it } from "vitest";

import { type DrillReport, passed, secondsOf, toneOf, underWay } from "./drills";

const NOW = new Date("2026-11-26T20:00:00Z");
const drill = (more: Partial<DrillReport>) => ({ stage: "over", outcome: "held", until: null, seconds: 60, ...more }) as DrillReport;

it("tells the one that is under way from those that are over", () => {
  const now = drill({ id: "b", stage: "restoring", outcome: null });
  expect(underWay([now, drill({ id: "a" })])?.id).toBe("b");
  expect(underWay([drill({})])).toBeNull();
  expect([toneOf(now), toneOf(drill({})), toneOf(drill({ outcome: "lost" }))]).toEqual(["busy", "ok", "bad"]);
});

it("knows how much of its time has passed, and never more than all of it", () => {
  const until = (seconds: number) => new Date(NOW.getTime() + seconds * 1000).toISOString();
  const at = (seconds: number) => passed(drill({ stage: "under_way", outcome: null, until: until(seconds) }), NOW);
  expect([at(60), at(15), at(-5)]).toEqual([0, 0.75, 1]);
  expect(passed(drill({ stage: "preparing", outcome: null }), NOW)).toBeNull();
});

it("reads times as people write them", () => {
  expect(["90", "90 s", "2m", "1 h", "2 min"].map(secondsOf)).toEqual([90, 90, 120, 3600, 120]);
  expect(["", "0", "2h", "soon", "-5", "1.5m"].map(secondsOf)).toEqual([null, null, null, null, null, null]);
});
