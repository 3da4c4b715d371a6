import { describe, expect, it } from "vitest";

import { gridOf, stepFrom, windowOf } from "./grid";

describe("a gallery's grid", () => {
  it("has as many columns as fit", () => {
    expect(gridOf(10, 100, 200, 8)).toEqual({ columns: 1, cell: 108, height: 1072 });
    expect(gridOf(10, 640, 200, 20).columns).toBe(3);
    expect(gridOf(0, 640, 200, 20).height).toBe(0);
  });

  it("draws some dozens of ten thousand pictures, wherever one is", () => {
    const grid = gridOf(10_000, 1200, 200, 8);
    for (let scrolled = 0; scrolled <= grid.height; scrolled += 997) {
      const shown = windowOf(grid, 10_000, scrolled, 800);
      expect(shown.to - shown.from).toBeLessThanOrEqual(90);
      // All that is on the screen is among them.
      expect(shown.top).toBeLessThanOrEqual(scrolled);
      const bottom = Math.ceil(shown.to / grid.columns) * grid.cell;
      expect(bottom).toBeGreaterThanOrEqual(Math.min(scrolled + 800, grid.height));
    }
  });

  it("draws nothing of nothing", () => {
    expect(windowOf(gridOf(0, 500, 200, 8), 0, 0, 800)).toEqual({ from: 0, to: 0, top: 0 });
  });

  it("is walked by arrows, and not left", () => {
    const grid = gridOf(7, 640, 200, 20);
    expect(stepFrom(0, "ArrowDown", grid, 7)).toBe(3);
    expect(stepFrom(0, "ArrowLeft", grid, 7)).toBeNull();
    expect(stepFrom(6, "ArrowDown", grid, 7)).toBeNull();
    expect(stepFrom(2, "End", grid, 7)).toBe(6);
    expect(stepFrom(2, "x", grid, 7)).toBeNull();
  });
});
