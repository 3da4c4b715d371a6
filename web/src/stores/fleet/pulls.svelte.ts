// Models on their way to machines, as long as this page is open: the service stops a pull whose client leaves.
import { ApiError, errorOf, shownError } from "../../lib/errors";
import { begun, isRunning, type Pull, pulled } from "../../lib/fleet/pull";
import { eventsOf } from "../../lib/sse";
import { t } from "../../i18n/index.svelte";
import { pathOf } from "../../lib/router";
import { api } from "../client";
import { tell } from "../telling";

class Pulls {
  all = $state.raw<readonly Pull[]>([]);
  private readonly controls = new Map<number, AbortController>();
  private next = 1;

  /** Fetches a model; `node` empty: the best place for it. Never rejects: what went wrong is in the pull. */
  async start(model: string, node = ""): Promise<Pull> {
    const startedMs = Date.now();
    const pull = begun(this.next++, model, node);
    const control = new AbortController();
    this.controls.set(pull.id, control);
    this.all = [pull, ...this.all];
    try {
      await this.follow(pull, control.signal);
    } catch (error) {
      this.put(pull.id, (each) => (control.signal.aborted ? { ...each, state: "cancelled" } : { ...each, state: "failed", error: shownError(error) }));
    } finally {
      this.controls.delete(pull.id);
    }
    const ended = this.all.find((each) => each.id === pull.id) ?? pull;
    if (ended.state === "done" || ended.state === "failed") void toldOf(ended, startedMs);
    return ended;
  }

  private async follow(pull: Pull, signal: AbortSignal): Promise<void> {
    const answer = await api.raw("POST", "/api/v1/models/pull", {
      signal,
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ model: pull.model, node: pull.node }),
    });
    for await (const event of eventsOf(answer)) {
      const data: unknown = JSON.parse(event.data);
      if (event.event === "error") throw errorOf(500, data, null);
      this.put(pull.id, (each) => pulled(each, event.event, data));
      if (event.event === "done") return;
    }
    throw new ApiError(0, "offline", "The connection was lost.");
  }

  cancel(id: number): void {
    this.controls.get(id)?.abort();
  }

  dismiss(id: number): void {
    this.all = this.all.filter((each) => each.id !== id || isRunning(each));
  }

  private put(id: number, change: (pull: Pull) => Pull): void {
    this.all = this.all.map((each) => (each.id === id ? change(each) : each));
  }
}

async function toldOf(pull: Pull, startedMs: number): Promise<void> {
  const { model, node } = pull;
  const title = pull.state === "done" ? t("nodes.pulled", { model, node }) : t("nodes.pull-failed", { model });
  await tell({ title, body: pull.error?.message ?? "", tag: `pull ${model}`, url: pathOf("nodes", node) }, startedMs);
}

export const pulls = new Pulls();
