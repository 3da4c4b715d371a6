// One answer under way: follows its events until it ends, over reloads and losses of the network.
import type { Schema } from "../../lib/api";
import { type Answer, asked, failed, over, resumed, step, stopped } from "../../lib/chat/answer";
import { ApiError } from "../../lib/errors";
import { follow, type ServerEvent, sleep } from "../../lib/sse";
import { api } from "../client";

/** Its end could not be heard: what the conversation has of it counts. */
export type Ending = "heard" | "unheard";

export class Running {
  answer = $state.raw<Answer>(asked("", null, "", 0));
  // What a conversation's tree needs of it: these change seldom, the text 25 times a second.
  id = $derived(this.answer.id);
  parent = $derived(this.answer.parent);
  over = $derived(over(this.answer));
  continues = $derived(this.answer.continues);
  /** Called once it is known what the question is called. */
  onQuestion: ((id: string) => void) | null = null;
  readonly startedMs: number;
  private readonly control = new AbortController();
  private stopping = false;

  constructor(answer: Answer, private readonly now: () => number = Date.now) {
    this.answer = answer;
    this.startedMs = answer.startedMs;
  }

  /** Sends a question, and calls `accepted` once the service has it. Raises `ApiError` where it was not taken: then
   * nothing runs. */
  async send(body: Schema<"ChatRequest">, key: string, accepted: (conversation: string) => void): Promise<Ending> {
    const response = await api.raw("POST", "/api/v1/chat", {
      headers: { "content-type": "application/json", accept: "text/event-stream", "idempotency-key": key },
      body: JSON.stringify(body),
      signal: this.control.signal,
    });
    const id = response.headers.get("x-potluck-generation") ?? "";
    this.answer = { ...this.answer, id };
    accepted(response.headers.get("x-potluck-conversation") ?? "");
    if (this.stopping) void this.tellStop();
    return this.run(response);
  }

  /** Takes up an answer that runs already. Its text so far is there before the first event. */
  static async of(id: string, now: () => number = Date.now): Promise<Running> {
    const told = await api.get("/api/v1/generations/{generation}", { path: { generation: id } });
    return new Running(resumed(told, now()), now);
  }

  /** Follows it to its end, beginning with an open stream where there is one. Never rejects. */
  async run(open: Response | null = null): Promise<Ending> {
    let first = open;
    try {
      await follow({
        open: async (_, signal) => {
          const response = first ?? (await this.reopen(signal));
          first = null;
          return response;
        },
        onEvent: (event) => this.take(event),
        onState: (up) => this.lost(!up),
        signal: this.control.signal,
        lastId: String(this.answer.last),
        random: Math.random,
        sleep,
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return "unheard";
    }
    return this.over ? "heard" : "unheard";
  }

  /** At once here, and at the service; its text so far stays. */
  stop(): void {
    if (this.over || this.stopping) return;
    this.stopping = true;
    if (this.id !== "") void this.tellStop();
  }

  /** Stops following: the answer goes on at the service. */
  leave(): void {
    this.control.abort();
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  fail(error: ApiError): void {
    this.answer = failed(this.answer, { type: error.type, message: error.message, hint: error.hint }, this.now());
  }

  private async tellStop(): Promise<void> {
    try {
      await api.delete("/api/v1/generations/{generation}", { path: { generation: this.id } });
    } catch (error) {
      // It has ended by itself meanwhile, or will be asked again by whoever presses the button once more.
      this.stopping = false;
      if (error instanceof ApiError && error.status === 404) this.answer = stopped(this.answer, { why: "client", message: "" }, this.now());
    }
  }

  private async reopen(signal: AbortSignal): Promise<Response> {
    const response = await api.raw("GET", `/api/v1/generations/${this.id}/events`, {
      headers: { accept: "text/event-stream", "last-event-id": String(this.answer.last) },
      signal,
    });
    // It ended, and we had heard all: this is no stream to come back to.
    if (response.status === 204) throw new ApiError(204, "ended", "");
    return response;
  }

  private take(event: ServerEvent): boolean {
    const before = this.answer.parent;
    this.answer = step(this.answer, event, this.now());
    const { parent } = this.answer;
    if (parent !== null && parent !== before) this.onQuestion?.(parent);
    return this.over;
  }

  private lost(lost: boolean): void {
    if (this.answer.lost !== lost && !this.over) this.answer = { ...this.answer, lost };
  }
}
