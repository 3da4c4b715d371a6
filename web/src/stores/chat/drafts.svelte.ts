// What is being written in a chat: kept as it is typed, there again after a reload.
import type { Enclosed } from "../../lib/chat/ask";
import { session } from "../session.svelte";
import { Shelf } from "./kept";

// Between two keys; a page that is left writes at once.
const KEEP_AFTER_MS = 250;

export class Draft {
  text = $state("");
  enclosed = $state.raw<readonly Enclosed[]>([]);
  private readonly shelf = new Shelf(session.boot?.me.id ?? "");
  private timer = 0;
  private touched = false;

  /** `chat`: the conversation's id, or "new". */
  constructor(private readonly chat: string) {}

  /** Fetches what was kept; what was typed meanwhile goes before it. */
  async open(): Promise<void> {
    const kept = await this.shelf.draft(this.chat);
    if (!kept || this.touched) return;
    this.text = kept.text;
    this.enclosed = kept.enclosed;
  }

  changed(): void {
    this.touched = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.keep(), KEEP_AFTER_MS);
  }

  keep(): void {
    clearTimeout(this.timer);
    if (!this.touched) return;
    void this.shelf.putDraft({ chat: this.chat, text: this.text, enclosed: $state.snapshot(this.enclosed) as Enclosed[] });
  }

  clear(): void {
    this.text = "";
    this.enclosed = [];
    this.touched = true;
    this.keep();
  }
}
