// The last hours of the machines. Asked for when somebody looks, and anew when the fleet tells of itself later on.
import type { Schema } from "../../lib/api";
import { api } from "../client";

export type FleetHistory = Schema<"FleetHistoryReply">;
export type NodeHistory = Schema<"HistoryReply">;

// A step of the service's record is half a minute: asking more often shows nothing new.
const FRESH_MS = 60_000;

class Kept<Reply> {
  reply = $state.raw<Reply | null>(null);
  error = $state.raw<unknown>(null);
  private askedAt = 0;
  private asking = false;

  constructor(private readonly ask: () => Promise<Reply>) {}

  /** Loads it where it is not there or old. */
  async refresh(nowMs: number): Promise<void> {
    if (this.asking || nowMs - this.askedAt < FRESH_MS) return;
    this.asking = true;
    this.askedAt = nowMs;
    try {
      this.reply = await this.ask();
      this.error = null;
    } catch (error) {
      this.error = error;
    } finally {
      this.asking = false;
    }
  }
}

/** For the sparklines: three hours in steps of two minutes. */
export const fleetHistory = new Kept<FleetHistory>(() =>
  api.get("/api/v1/history", { query: { hours: 3, step_s: 120 } }),
);

/** One machine's, for its charts. */
export function nodeHistory(node: string, hours: number): Kept<NodeHistory> {
  const step_s = hours <= 1 ? 30 : hours <= 3 ? 60 : 120;
  return new Kept(() => api.get("/api/v1/nodes/{node}/history", { path: { node }, query: { hours, step_s } }));
}
