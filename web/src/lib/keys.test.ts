import { expect, it } from "vitest";

import { named, printed, step } from "./keys";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) => ({
  key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held,
});

it.each([
  [press("k", { ctrlKey: true }), false, "mod+k"],
  [press("k", { metaKey: true }), true, "mod+k"],
  [press("k", { metaKey: true }), false, "other+k"],
  [press("?", { shiftKey: true }), false, "?"],
  [press("O", { ctrlKey: true, shiftKey: true }), false, "mod+shift+o"],
  [press("Escape"), false, "escape"],
  [press(" "), false, "space"],
])("%j is named %3$s", (pressed, mac, name) => expect(named(pressed, mac)).toBe(name));

it("waits for the second key, and begins anew where it does not fit", () => {
  const known = ["g c", "g n", "?"];
  expect(step("", "g", known)).toEqual({ wait: "g" });
  expect(step("g", "n", known)).toEqual({ run: "g n" });
  expect(step("g", "?", known)).toEqual({ run: "?" });
  expect(step("", "x", known)).toEqual({});
});

it("prints what is on the keys", () => {
  expect(printed("mod+shift+o", false)).toEqual(["Ctrl", "Shift", "O"]);
  expect(printed("mod+k", true)).toEqual(["⌘", "K"]);
  expect(printed("g c", false)).toEqual(["G", "C"]);
});
