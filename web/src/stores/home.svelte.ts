// What the service says matters now (/api/v1/home): asked when the first page is opened, and again when something of it
// has changed.
import { Asked } from "./asked.svelte";
import { api } from "./client";
import { events } from "./events.svelte";

// Steps of the set-up are done elsewhere, too: a machine is taken in, an answer comes. What changes often is asked for once.
const AGAIN_MS = 1_000;
const TELLING: ReadonlySet<string> = new Set(["nodes", "generations", "snapshot"]);

export const home = new Asked(() => api.get("/api/v1/home"));

/** Keeps it up to date while the first page is shown. Returns how to stop. */
export function watchHome(): () => void {
  let timer = 0;
  void home.load();
  const stop = events.hear((event) => {
    const setUp = home.value?.set_up;
    if (timer !== 0 || !setUp || setUp.done || !TELLING.has(event)) return;
    timer = window.setTimeout(() => {
      timer = 0;
      void home.load();
    }, AGAIN_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}
