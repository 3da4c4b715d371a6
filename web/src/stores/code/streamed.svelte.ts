// A request whose answer comes as events, one at a time: a new one ends the one before.
import { type ApiError, errorOf, shownError } from "../../lib/errors";
import { eventsOf } from "../../lib/sse";
import { api } from "../client";

export abstract class Streamed {
  running = $state(false);
  error = $state.raw<ApiError | null>(null);
  private asked: AbortController | null = null;

  /** Takes what an event tells, other than that it failed. */
  protected abstract hear(event: string, data: unknown): void;

  /** Never rejects: what goes wrong is in `error`. */
  protected async follow(path: string, body: object): Promise<void> {
    this.stop();
    const asked = (this.asked = new AbortController());
    this.error = null;
    this.running = true;
    try {
      const answer = await api.raw("post", path, {
        body: JSON.stringify({ ...body, stream: true }),
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        signal: asked.signal,
      });
      for await (const { event, data } of eventsOf(answer)) {
        const told: unknown = JSON.parse(data);
        if (event === "error") this.error = errorOf(0, told, null);
        else this.hear(event, told);
      }
    } catch (error) {
      if (!asked.signal.aborted) this.error = shownError(error);
    } finally {
      if (this.asked === asked) {
        this.asked = null;
        this.running = false;
      }
    }
  }

  /** The service stops working on it, too: nobody else waits for this answer. */
  stop(): void {
    this.asked?.abort();
    this.asked = null;
    this.running = false;
  }
}
