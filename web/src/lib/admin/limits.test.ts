import { describe, expect, it } from "vitest";

import { changeOf, formOf, limited, wrongAmounts } from "./limits";

describe("limits in a form", () => {
  it("change nothing where nothing is typed", () => {
    expect(changeOf(null, formOf(null))).toBeNull();
    const limits = { requests_per_minute: 10, models: ["a", "b"], priority: "chat" as const };
    expect(changeOf(limits, formOf(limits))).toBeNull();
  });

  it("say only what is another than before, and null for what is taken away", () => {
    const before = { requests_per_minute: 10, tokens_per_day: 5 };
    const form = { ...formOf(before), requests_per_minute: " 20 ", tokens_per_day: "", models: "m1, ,m2", priority: "batch" as const };
    expect(changeOf(before, form)).toEqual({ requests_per_minute: 20, tokens_per_day: null, models: ["m1", "m2"], priority: "batch" });
  });

  it("know which amounts are none", () => {
    const form = { ...formOf(null), concurrent: "0", images_per_day: "1.5", tokens_per_day: "12", requests_per_day: "x" };
    expect(wrongAmounts(form)).toEqual(["requests_per_day", "images_per_day", "concurrent"]);
  });

  it("are listed where they are set", () => {
    expect(limited(null)).toEqual([]);
    expect(limited({ concurrent: 2, models: null, priority: "chat" })).toEqual(["concurrent", "priority"]);
  });
});
