import { describe, expect, it } from "vitest";

import { sharedText } from "./share";

describe("what another app shares", () => {
  it("is title, text and link, each once", () => {
    expect(sharedText(new URLSearchParams({ title: "A page", text: "See https://a.example/x", url: "https://a.example/x" }))).toBe("A page\nSee https://a.example/x");
    expect(sharedText(new URLSearchParams({ title: "same", text: "same" }))).toBe("same");
  });

  it("is nothing in an ordinary chat", () => {
    expect(sharedText(new URLSearchParams({ tab: "x", text: "  " }))).toBe("");
  });
});
