// What the stream does not tell of machines: models on their disks, learned speeds, processes, sensors.
import type { Schema } from "../../lib/api";
import { api } from "../client";

export type NodeInfo = Schema<"NodeInfo">;

// Live figures change twice a second: the rest is read again at most that often.
const EVERY_MS = 3_000;

class Details {
  nodes = $state.raw<readonly NodeInfo[] | null>(null);
  error = $state.raw<unknown>(null);
  private askedAt = 0;
  private asking: Promise<void> | null = null;
  private again = 0;

  node(id: string): NodeInfo | null {
    return this.nodes?.find((each) => each.id === id) ?? null;
  }

  /** Reads again; once later where it was read a moment ago. */
  refresh(nowMs: number): void {
    clearTimeout(this.again);
    const wait = this.askedAt + EVERY_MS - nowMs;
    if (wait > 0 || this.asking) this.again = window.setTimeout(() => void this.read(), Math.max(wait, 200));
    else void this.read();
  }

  /** Reads now, and waits for it. Never rejects. */
  read(): Promise<void> {
    clearTimeout(this.again);
    this.asking ??= this.load().finally(() => (this.asking = null));
    return this.asking;
  }

  private async load(): Promise<void> {
    this.askedAt = Date.now();
    try {
      this.nodes = (await api.get("/api/v1/nodes")).nodes;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }
}

export const details = new Details();
