import { expect, it } from "vitest";

import { found } from "./palette";

const ITEMS = ["New chat", "Go to Chat", "Archive", "Chat settings"].map((title) => ({ title }));
const titles = (typed: string) => found(ITEMS, typed).map((each) => each.title);

it("the title that begins with it comes first", () => {
  expect(titles("chat")).toEqual(["Chat settings", "New chat", "Go to Chat"]);
});
it("every word must be found, in any order", () => {
  expect(titles("chat go")).toEqual(["Go to Chat"]);
  expect(titles("xyz")).toEqual([]);
});
it("nothing typed finds all, in their order", () => {
  expect(titles(" ")).toEqual(ITEMS.map((each) => each.title));
});
