import { describe, expect, test } from "vitest";

import { AT_START, fromEnd, goingUp, grown, NEAR_PX, offersEnd, scrolled, type Following, type Place } from "./follow";

const place = (top: number, height = 2000, seen = 500): Place => ({ top, height, seen });

describe("following an answer", () => {
  test("keeps to the end while it grows", () => {
    let now: Following = AT_START;
    for (const height of [300, 520, 900, 2000]) {
      const top = grown(now, place(now.top, height)) ?? now.top;
      now = scrolled(now, place(top, height));
      expect(fromEnd(place(top, height))).toBe(0);
    }
    expect(now.on).toBe(true);
  });

  test("leaves who scrolls up alone, however much comes", () => {
    const now = scrolled({ on: true, top: 1500 }, place(1400));
    expect(now.on).toBe(false);
    expect(grown(now, place(1400, 4000))).toBeNull();
    expect(offersEnd(now, place(1400, 4000))).toBe(true);
    expect(scrolled(now, place(1450, 4000)).on).toBe(false);
  });

  test("goes on when the reader comes back to the end", () => {
    const away = scrolled({ on: true, top: 1500 }, place(900));
    expect(scrolled(away, place(1500 - NEAR_PX)).on).toBe(true);
  });

  test("is not ended by text that grew before the view was moved", () => {
    expect(scrolled({ on: true, top: 1500 }, place(1500, 2600)).on).toBe(true);
  });

  test("is not ended by text that shrank, which moves the view up to the new end", () => {
    expect(scrolled({ on: true, top: 1500 }, place(1200, 1700)).on).toBe(true);
  });

  test("is ended by a wheel that goes up, before anything moves", () => {
    const now = goingUp({ on: true, top: 1500 }, place(1500));
    expect(grown(now, place(1500, 2100))).toBeNull();
    expect(goingUp(AT_START, place(0, 400)).on).toBe(true);
  });
});
