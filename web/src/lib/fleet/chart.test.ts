import { expect, it } from "vitest";

import { areaPath, blank, linePath, rowsOf, timeAt, topOf } from "./chart";

const SIZE = { width: 100, height: 10 };

it("ends its scale at a round figure, and never at nothing", () => {
  expect([0, 1, 7, 13, 21, 240].map((most) => topOf([null, most]))).toEqual([1, 1, 10, 20, 25, 250]);
  expect(topOf([])).toBe(1);
});

it("draws gaps as gaps, and a value alone as a dash", () => {
  expect(linePath([0, 5, null, null, 10], 10, SIZE)).toBe("M0 10L25 5M100 0h12.5");
  expect(linePath([], 10, SIZE)).toBe("");
  expect(areaPath([0, 5, null, 10], 10, SIZE)).toBe("M0 10L0 10L33.3 5L33.3 10Z");
});

it("leaves out the empty head of a young service, but not so much that a line is a dot", () => {
  expect(blank([[null, null, null, 1], [null, null, 2, null]], 1)).toBe(2);
  expect(blank([[null, null, null, 1]], 3)).toBe(1);
  expect(blank([[null, null]], 1)).toBe(1);
  expect(blank([], 20)).toBe(0);
});

it("tells the same as rows, the newest first, without those that know nothing", () => {
  const rows = rowsOf([{ id: "a", label: "A", values: [1, 3, null, null, 5] }], "2026-01-01T00:00:00Z", 60, 3);
  expect(rows.map((row) => [row.time.toISOString(), row.values])).toEqual([
    ["2026-01-01T00:04:00.000Z", [5]],
    ["2026-01-01T00:00:00.000Z", [2]],
  ]);
  expect(timeAt("2026-01-01T00:00:00Z", 30, 2).toISOString()).toBe("2026-01-01T00:01:00.000Z");
});
