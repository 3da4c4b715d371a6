import { expect, it } from "vitest";

import { after, NOTHING } from "./live";

const SNAPSHOT = { at: "now", topics: ["nodes", "queue"], nodes: [{ id: "a" }, { id: "b" }], models: null, queue: { waiting: 1, running: 2 } };

it("a snapshot replaces all that was known", () => {
  const before = after(NOTHING, "jobs", { changed: [{ id: "j" }], gone: [] });
  const live = after(before, "snapshot", SNAPSHOT);
  expect(live).toEqual({ ...NOTHING, nodes: SNAPSHOT.nodes, queue: SNAPSHOT.queue });
});

it("what changed takes its old place, new things come last, gone ones go", () => {
  const live = after(NOTHING, "snapshot", SNAPSHOT);
  const next = after(live, "nodes", { changed: [{ id: "c" }, { id: "a", state: "down" }], gone: ["b"] });
  expect(next.nodes).toEqual([{ id: "a", state: "down" }, { id: "c" }]);
  expect(next.queue).toBe(live.queue);
});

it("one thing is told whole", () => {
  expect(after(NOTHING, "discovery", { proposals: 2 }).discovery).toEqual({ proposals: 2 });
});

it("what is not known changes nothing", () => {
  expect(after(NOTHING, "weather", {})).toBe(NOTHING);
  expect(after(NOTHING, "nodes", null)).toBe(NOTHING);
});
