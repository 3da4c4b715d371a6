// A review under way: findings as they come, and how far it is.
import type { Schema } from "../../lib/api";
import { ApiError, shownError } from "../../lib/errors";
import { eventsOf } from "../../lib/sse";
import { api } from "../client";

export type Finding = Schema<"FindingInfo">;
type Progress = Schema<"ReviewProgress">;
type Done = Schema<"ReviewDone">;
type Request = Schema<"ReviewRequest">;

const GRAVITY = ["critical", "high", "medium", "low", "info"];

class CodeReview {
  findings = $state.raw<readonly Finding[]>([]);
  progress = $state.raw<Progress | null>(null);
  done = $state.raw<Done | null>(null);
  error = $state.raw<ApiError | null>(null);
  running = $state(false);
  /** The diff or file that the findings are about. */
  diff = $state("");
  private asked: AbortController | null = null;

  /** Findings, the gravest first. */
  get sorted(): readonly Finding[] {
    return [...this.findings].sort((a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity) || a.line - b.line);
  }

  async start(request: Request): Promise<void> {
    this.stop();
    const asked = (this.asked = new AbortController());
    Object.assign(this, { findings: [], progress: null, done: null, error: null, running: true, diff: request.diff ?? "" });
    try {
      const answer = await api.raw("post", "/api/v1/code/review", {
        body: JSON.stringify({ ...request, stream: true }),
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        signal: asked.signal,
      });
      for await (const { event, data } of eventsOf(answer)) this.hear(event, JSON.parse(data) as unknown);
    } catch (error) {
      if (!asked.signal.aborted) this.error = shownError(error);
    } finally {
      if (this.asked === asked) {
        this.asked = null;
        this.running = false;
      }
    }
  }

  stop(): void {
    this.asked?.abort();
    this.asked = null;
    this.running = false;
  }

  private hear(event: string, data: unknown): void {
    if (event === "finding") this.findings = [...this.findings, data as Finding];
    else if (event === "progress") this.progress = data as Progress;
    else if (event === "done") this.done = data as Done;
    else if (event === "error") {
      const { error } = data as { error: { type: string; message: string; hint?: string | null } };
      this.error = new ApiError(0, error.type, error.message, error.hint ?? "");
    }
  }
}

export const review = new CodeReview();
