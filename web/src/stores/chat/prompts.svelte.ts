// The library of prompts: one's own and those that others share. Loaded when it is first wanted.
import type { Schema } from "../../lib/api";
import { api } from "../client";

export type Prompt = Schema<"PromptInfo">;

class Prompts {
  all = $state.raw<readonly Prompt[]>([]);
  private asked: Promise<void> | null = null;

  load(): Promise<void> {
    return (this.asked ??= api.get("/api/v1/prompts").then(
      (list) => { this.all = list.prompts; },
      (error: unknown) => { this.asked = null; throw error; },
    ));
  }
  async save(id: string, body: Schema<"NewPrompt">): Promise<void> {
    const made = id === "" ? await api.post("/api/v1/prompts", { body }) : await api.patch("/api/v1/prompts/{prompt}", { path: { prompt: id }, body });
    this.all = [...this.all.filter((each) => each.id !== made.id), made].sort((a, b) => a.name.localeCompare(b.name));
  }
  async remove(id: string): Promise<void> {
    await api.delete("/api/v1/prompts/{prompt}", { path: { prompt: id } });
    this.all = this.all.filter((each) => each.id !== id);
  }
}

export const prompts = new Prompts();
