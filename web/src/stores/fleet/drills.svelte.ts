// Drills: the last ones, and the one that is under way, which is looked at while somebody looks on.
import type { Schema } from "../../lib/api";
import { underWay } from "../../lib/fleet/drills";
import { Asked } from "../asked.svelte";
import { api } from "../client";

// No event tells how a drill goes; it is looked at while it does.
const LOOK_EVERY_MS = 1_000;

export const drills = new Asked(async () => (await api.get("/api/v1/drills")).drills);

/** Keeps the list up to date while it is shown. Returns how to stop. */
export function watchDrills(): () => void {
  void drills.load();
  const timer = setInterval(() => {
    if (!document.hidden && !drills.busy && drills.value && underWay(drills.value)) void drills.load();
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** What a drill would do, and what is against it; an empty node is the one that disturbs least. */
export function drillPlan(node: string, how: Schema<"DrillPlan">["how"]) {
  return api.post("/api/v1/drills/plan", { body: { node, how } });
}

export async function beginDrill(order: Schema<"DrillRequest">): Promise<void> {
  await api.post("/api/v1/drills", { body: order });
  await drills.load();
}

/** Gives the node back now. */
export async function endDrill(drill: string): Promise<void> {
  await api.delete("/api/v1/drills/{drill}", { path: { drill } });
  await drills.load();
}
