// A question about code, asked in a conversation of its own that stays among one's chats.
import type { Schema } from "../../lib/api";
import { Streamed } from "./streamed.svelte";

export class CodeQuestion extends Streamed {
  text = $state.raw("");
  /** The conversation that keeps it; empty before the first answer. */
  conversation = $state("");

  async ask(message: string, model: string): Promise<void> {
    this.stop();
    this.text = "";
    const body: Schema<"ChatRequest"> = { message, model, detached: false };
    if (this.conversation) body.conversation = this.conversation;
    await this.follow("/api/v1/chat", body);
  }

  forget(): void {
    this.stop();
    this.text = "";
    this.error = null;
    this.conversation = "";
  }

  protected hear(event: string, data: unknown): void {
    const told = data as Record<string, unknown>;
    if (event === "delta") this.text += String(told["text"] ?? "");
    else if (event === "meta") this.conversation = String(told["conversation"] ?? this.conversation);
  }
}
