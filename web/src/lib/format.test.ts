import { expect, it } from "vitest";

import { ago, bytes, ordinal, span } from "./format";

it.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1536, "1.5 KiB"],
  [24 * 2 ** 30, "24 GiB"],
  [2 ** 50, "1,024 TiB"],
])("%d bytes are %s", (count, told) => expect(bytes(count, "en")).toBe(told));

it.each([
  [0.25, "0.3 s"],
  [8.4, "8 s"],
  [200, "3 min"],
  [7200, "2 h"],
  [432_000, "5 d"],
])("%d seconds are %s", (seconds, told) => expect(span(seconds, "en")).toBe(told));

it.each([
  [1, "1st"],
  [2, "2nd"],
  [3, "3rd"],
  [11, "11th"],
  [22, "22nd"],
])("place %d is the %s", (place, told) => expect(ordinal(place)).toBe(told));

it("counts from now", () => {
  const now = new Date("2026-01-02T12:00:00Z");
  expect(ago(new Date("2026-01-02T11:57:00Z"), now, "en")).toBe("3 minutes ago");
  expect(ago(new Date("2026-01-01T12:00:00Z"), now, "en")).toBe("yesterday");
  expect(ordinal(2, "de")).toBe("2.");
});
