// The single event stream from the service. On each new connection its snapshot resets what is known.
import { ApiError } from "../lib/errors";
import { after, type Live, NOTHING } from "../lib/live";
import { follow, type ServerEvent, sleep } from "../lib/sse";
import { api } from "./client";

/** What views hear of beside the state: ids of conversations whose line in the listing is another now. */
export interface ConversationsChanged {
  changed: string[];
  all: boolean;
}
type Hearer = (event: string, data: unknown) => void;

class Events {
  live = $state.raw<Live>(NOTHING);
  /** "off" where the service has no such stream, or before it was asked. */
  state = $state<"off" | "open" | "lost">("off");
  private readonly hearers = new Set<Hearer>();

  /** Hears every event as it comes; for what is no state. Returns how to stop. */
  hear(hearer: Hearer): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  take(event: ServerEvent): void {
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      return; // half a line of a proxy's; the next snapshot has it
    }
    this.live = after(this.live, event.event, data);
    for (const hearer of this.hearers) hearer(event.event, data);
  }
}

export const events = new Events();

/** Follows the stream while the page is shown; a hidden page asks for nothing. Returns how to stop. */
export function watchEvents(): () => void {
  let control: AbortController | null = null;
  const start = () => {
    if (control || document.hidden) return;
    control = new AbortController();
    void run(control.signal).finally(() => (control = null));
  };
  const stop = () => {
    control?.abort();
    control = null;
  };
  // A tab that is looked at elsewhere for a moment keeps its stream.
  let timer = 0;
  const seen = () => {
    clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(stop, HIDDEN_MS);
    else start();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", start);
  start();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("online", start);
    clearTimeout(timer);
    stop();
  };
}

const HIDDEN_MS = 60_000;

async function run(signal: AbortSignal): Promise<void> {
  try {
    await follow({
      open: (lastId, asked) =>
        api.raw("GET", "/api/v1/events", {
          signal: asked,
          headers: { accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) },
        }),
      onEvent: (event) => events.take(event),
      onState: (open) => (events.state = open ? "open" : "lost"),
      signal,
      random: Math.random,
      sleep,
    });
  } catch (error) {
    // Not there, or not for us: views go by what boot and their own requests say.
    if (!(error instanceof ApiError)) throw error;
    events.state = "off";
  }
}
