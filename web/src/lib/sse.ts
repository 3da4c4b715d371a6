// Server-sent events over fetch (https://html.spec.whatwg.org/multipage/server-sent-events.html): EventSource can send no
// header, no POST and hides why it failed. Resumes by `Last-Event-ID`, with a back-off that is capped.
import { ApiError } from "./errors";

export interface ServerEvent {
  event: string;
  data: string;
  /** The last id that the stream named, of this event or of one before it. */
  id: string;
}

/** Reads a stream of text piece by piece. */
export class EventParser {
  private rest = "";
  private data: string[] = [];
  private event = "";
  private first = true;
  lastId: string;
  /** Milliseconds that the server asks to wait before coming back; null where it has not. */
  retryMs: number | null = null;

  constructor(lastId = "") {
    this.lastId = lastId;
  }

  /** The events that end in this piece. */
  feed(text: string): ServerEvent[] {
    let all = this.rest + text;
    if (this.first && all !== "") {
      if (all.startsWith("\uFEFF")) all = all.slice(1);
      this.first = false;
    }
    const found: ServerEvent[] = [];
    let from = 0;
    for (;;) {
      const end = lineEnd(all, from);
      if (end === null) break;
      const event = this.line(all.slice(from, end.at));
      if (event) found.push(event);
      from = end.next;
    }
    this.rest = all.slice(from);
    return found;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") return this.dispatched();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: the server's way to keep the connection alive
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  private dispatched(): ServerEvent | null {
    const { data, event } = this;
    this.data = [];
    this.event = "";
    return data.length === 0 ? null : { event: event || "message", data: data.join("\n"), id: this.lastId };
  }
}

/** The next line's end at or after `from`; null while it has not come. A last \r may be half of \r\n. */
function lineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) return { at, next: at + 1 };
    if (code === 13) {
      if (at + 1 === text.length) return null;
      return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
    }
  }
  return null;
}

/** The events of one answer, until it ends. */
export async function* eventsOf(answer: Response, parser = new EventParser()): AsyncGenerator<ServerEvent> {
  if (!answer.body) return;
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** How long to wait before try number `tries` (from 1). `chance` is in [0, 1): a fleet of tabs does not come at once. */
export function backOffMs(tries: number, chance: number): number {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 10));
  return Math.round(whole * (0.5 + chance / 2));
}

export interface Following {
  /** Opens the stream after an event (empty: from its beginning); rejects with `ApiError`, as `Api.raw` does. */
  open: (lastId: string, signal: AbortSignal) => Promise<Response>;
  /** Returns true when the stream is over and is not to be opened again. */
  onEvent: (event: ServerEvent) => boolean | void;
  /** The stream is open (true), or lost and waiting to be opened again (false). */
  onState?: (open: boolean, error: ApiError | null) => void;
  signal: AbortSignal;
  lastId?: string;
  random: () => number;
  /** Waits; resolves early where `signal` says so. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Follows a stream over losses of the network. Ends with the signal, with `onEvent`, or rejects where asking again
 * helps nobody (the stream is not there, or not for us). */
export async function follow(options: Following): Promise<void> {
  const { signal } = options;
  const parser = new EventParser(options.lastId);
  let tries = 0;
  while (!signal.aborted) {
    let failed: ApiError | null = null;
    try {
      const answer = await options.open(parser.lastId, signal);
      options.onState?.(true, null);
      for await (const event of eventsOf(answer, new Reopened(parser))) {
        tries = 0;
        if (options.onEvent(event)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      failed = error instanceof ApiError ? error : new ApiError(0, "offline", "The connection was lost.");
      if (!failed.passing && failed.status < 500) throw failed;
    }
    if (signal.aborted) return;
    options.onState?.(false, failed);
    tries += 1;
    const asked = failed?.retryAfterS != null ? failed.retryAfterS * 1000 : (parser.retryMs ?? 0);
    await options.sleep(Math.max(asked, backOffMs(tries, options.random())), signal);
  }
}

/** A new connection: half an event of the last one is dropped, its id and its wish for a pause are kept. */
class Reopened extends EventParser {
  constructor(private readonly kept: EventParser) {
    super(kept.lastId);
  }

  override feed(text: string): ServerEvent[] {
    const events = super.feed(text);
    const last = events.at(-1);
    if (last) this.kept.lastId = last.id;
    this.kept.retryMs = this.retryMs ?? this.kept.retryMs;
    return events;
  }
}

/** The real `sleep`. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const ended = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", ended);
      resolve();
    };
    const timer = setTimeout(ended, ms);
    signal.addEventListener("abort", ended);
  });
}
