import { describe, expect, it } from "vitest";

import { axisEnd, daily, measured, named, rangeOf, type Sums } from "./usage";

const NOW = new Date("2026-11-26T15:00:00Z");
const sums = (more: Partial<Sums>): Sums => ({
  calls: 0, failed: 0, images: 0, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, engine_s: 0, energy_wh: null,
  day: null, key: null, key_name: null, model: null, node: null, user: null, user_name: null, ...more,
});

describe("usage", () => {
  it("has a number for each day, also for those without use", () => {
    const rows = [sums({ day: "2026-11-25", prompt_tokens: 3, completion_tokens: 4 }), sums({ day: "2026-11-01", calls: 9 })];
    const shown = daily(rows, 7, NOW, "tokens");
    expect(shown.map((each) => each.value)).toEqual([0, 0, 0, 0, 0, 7, 0]);
    expect(shown[0]?.day).toBe("2026-11-20");
    expect(shown.at(-1)?.day).toBe("2026-11-26");
  });

  it("is asked for in whole days, today with them", () => {
    expect(rangeOf(1, NOW)).toEqual({ from: "2026-11-26", to: "2026-11-26" });
    expect(rangeOf(30, NOW)).toEqual({ from: "2026-10-28", to: "2026-11-26" });
  });

  it("names its rows as people know them", () => {
    expect(named(sums({ user: "u1", user_name: "Ann" }), "user")).toBe("Ann");
    expect(named(sums({ key: "k1" }), "key")).toBe("k1");
    expect(named(sums({}), "node")).toBe("");
    expect(measured(sums({ images: 3 }), "images")).toBe(3);
  });

  it("has an axis that ends at a round number", () => {
    expect([0, 1, 3, 17, 50, 51, 990].map(axisEnd)).toEqual([1, 1, 5, 20, 50, 100, 1000]);
  });
});
