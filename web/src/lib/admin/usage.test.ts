import { describe, expect, it } from "vitest";

import { axisEnd, daily, hourly, lately, measured, named, rangeOf, type Sums, summed, total } from "./usage";

const NOW = new Date("2026-11-26T15:00:00Z");
const sums = (more: Partial<Sums>): Sums => ({
  calls: 0, failed: 0, images: 0, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, engine_s: 0, energy_wh: null,
  day: null, hour: null, key: null, key_name: null, model: null, node: null, user: null, user_name: null, ...more,
});

describe("usage", () => {
  it("has a number for each day, also for those without use", () => {
    const rows = [sums({ day: "2026-11-25", prompt_tokens: 3, completion_tokens: 4 }), sums({ day: "2026-11-01", calls: 9 })];
    const shown = daily(rows, 7, NOW, "tokens");
    expect(shown.map((each) => each.value)).toEqual([0, 0, 0, 0, 0, 7, 0]);
    expect(shown[0]?.time).toBe("2026-11-20");
    expect(shown.at(-1)?.time).toBe("2026-11-26");
  });

  it("has a number for each of the last 24 hours, and one row for whom it is about", () => {
    const ann = { user: "u1", user_name: "Ann" };
    const told = [
      sums({ ...ann, hour: "2026-11-25T15", calls: 100 }),
      sums({ ...ann, hour: "2026-11-25T16", calls: 2, energy_wh: 1 }),
      sums({ user: "u2", hour: "2026-11-26T15", calls: 1 }),
      sums({ ...ann, hour: "2026-11-26T15", calls: 4 }),
    ];
    const rows = lately(told, NOW);
    const bars = hourly(rows, NOW, "calls");
    expect([bars.length, bars[0], bars.at(-1)]).toEqual([24, { time: "2026-11-25T16", value: 2 }, { time: "2026-11-26T15", value: 5 }]);
    expect(summed(rows, "user").map((each) => [each.user, each.calls, each.energy_wh])).toEqual([["u1", 6, 1], ["u2", 1, null]]);
    expect(total(rows).calls).toBe(7);
  });

  it("is asked for in whole days, today with them", () => {
    expect(rangeOf(1, NOW)).toEqual({ from: "2026-11-25", to: "2026-11-26" });
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
