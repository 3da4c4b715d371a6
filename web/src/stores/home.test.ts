// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { events } from "./events.svelte";
import { home, watchHome } from "./home.svelte";

let asked: number;
let done: boolean;
beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  done = false;
  vi.stubGlobal("fetch", async () => {
    asked += 1;
    return Response.json({ set_up: { named: true, machines: done, chatted: done, done } });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const changed = (topic: string) => events.take({ id: "", event: topic, data: "{}" });

it("asks again for the set-up when a machine or an answer comes, once for many, until all is done", async () => {
  const stop = watchHome();
  await vi.advanceTimersByTimeAsync(0);
  for (let each = 0; each < 9; each++) changed("nodes");
  changed("jobs");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toBe(2);
  done = true;
  changed("generations");
  await vi.advanceTimersByTimeAsync(1_000);
  changed("generations");
  await vi.advanceTimersByTimeAsync(9_000);
  expect([asked, home.value?.set_up?.done]).toEqual([3, true]);
  stop();
});
