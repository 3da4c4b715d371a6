import { expect, test } from "vitest";

import { guessedHeight, Heights } from "./heights";

test("a guess grows with lines and paragraphs", () => {
  expect(guessedHeight("")).toBe(26);
  expect(guessedHeight("a\n\nb")).toBe(66);
  expect(guessedHeight("x".repeat(400))).toBe(130);
});

test("the eldest heights are forgotten first", () => {
  const heights = new Heights(2);
  heights.set("a", 1);
  heights.set("b", 2);
  heights.set("a", 3);
  heights.set("c", 4);
  expect([heights.get("a"), heights.get("b"), heights.get("c")]).toEqual([3, undefined, 4]);
});
