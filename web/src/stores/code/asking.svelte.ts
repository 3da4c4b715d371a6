// A question about code, asked in a conversation of its own that stays among one's chats.
import type { Schema } from "../../lib/api";
import { ApiError, shownError } from "../../lib/errors";
import { eventsOf } from "../../lib/sse";
import { api } from "../client";

export class CodeQuestion {
  text = $state.raw("");
  running = $state(false);
  error = $state.raw<ApiError | null>(null);
  /** The conversation that keeps it; empty before the first answer. */
  conversation = $state("");
  private asked: AbortController | null = null;

  async ask(message: string, model: string): Promise<void> {
    this.stop();
    const asked = (this.asked = new AbortController());
    this.text = "";
    this.error = null;
    this.running = true;
    try {
      const body: Schema<"ChatRequest"> = { message, model, stream: true, detached: false };
      if (this.conversation) body.conversation = this.conversation;
      const answer = await api.raw("post", "/api/v1/chat", {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        signal: asked.signal,
      });
      for await (const { event, data } of eventsOf(answer)) this.hear(event, JSON.parse(data) as Record<string, unknown>);
    } catch (error) {
      if (!asked.signal.aborted) this.error = shownError(error);
    } finally {
      if (this.asked === asked) {
        this.asked = null;
        this.running = false;
      }
    }
  }

  /** The service stops writing, too: nobody else waits for this answer. */
  stop(): void {
    this.asked?.abort();
    this.asked = null;
    this.running = false;
  }

  forget(): void {
    this.stop();
    this.text = "";
    this.error = null;
    this.conversation = "";
  }

  private hear(event: string, data: Record<string, unknown>): void {
    if (event === "delta") this.text += String(data["text"] ?? "");
    else if (event === "meta") this.conversation = String(data["conversation"] ?? this.conversation);
    else if (event === "error") {
      const told = (data["error"] ?? {}) as Record<string, unknown>;
      this.error = new ApiError(0, String(told["type"] ?? "failed"), String(told["message"] ?? ""), String(told["hint"] ?? ""));
    }
  }
}
