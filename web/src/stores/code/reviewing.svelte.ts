// A review under way: findings as they come, and how far it is.
import type { Schema } from "../../lib/api";
import { Streamed } from "./streamed.svelte";

export type Finding = Schema<"FindingInfo">;
type Progress = Schema<"ReviewProgress">;
type Done = Schema<"ReviewDone">;
type Request = Schema<"ReviewRequest">;

const GRAVITY = ["critical", "high", "medium", "low", "info"];

class CodeReview extends Streamed {
  findings = $state.raw<readonly Finding[]>([]);
  progress = $state.raw<Progress | null>(null);
  done = $state.raw<Done | null>(null);
  /** The diff or file that the findings are about. */
  diff = $state("");

  /** Findings, the gravest first. */
  get sorted(): readonly Finding[] {
    return [...this.findings].sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity) || a.line - b.line);
  }

  async start(request: Request): Promise<void> {
    this.stop();
    Object.assign(this, { findings: [], progress: null, done: null, diff: request.diff ?? "" });
    await this.follow("/api/v1/code/review", request);
  }

  protected hear(event: string, data: unknown): void {
    if (event === "finding") this.findings = [...this.findings, data as Finding];
    else if (event === "progress") this.progress = data as Progress;
    else if (event === "done") this.done = data as Done;
  }
}

export const review = new CodeReview();
