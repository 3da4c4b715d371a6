// The pictures that are being made: each job is followed by its events, over lost networks and reloads.
import type { StudioForm } from "../../lib/images/form";
import { order } from "../../lib/images/form";
import { afterEvent, ended, type ImageJob, type Work } from "../../lib/images/work";
import { follow, sleep } from "../../lib/sse";
import { t } from "../../i18n/index.svelte";
import { pathOf } from "../../lib/router";
import { api } from "../client";
import { newName } from "../names";
import { tell } from "../telling";
import { gallery } from "./gallery.svelte";

class Works {
  /** The newest first. */
  all = $state.raw<readonly Work[]>([]);
  private readonly followed = new Set<string>();

  /** Takes up what another tab, or this one before a reload, has asked for. */
  async resume(): Promise<void> {
    for (const state of ["running", "queued"] as const) {
      const { jobs } = await api.get("/api/v1/jobs", { query: { state, limit: 50 } });
      for (const job of jobs) {
        if (job.kind !== "image" || this.followed.has(job.id)) continue;
        this.take(await api.get("/api/v1/image/jobs/{job}", { path: { job: job.id } }));
      }
    }
  }

  async make(form: StudioForm): Promise<void> {
    const { path, body } = order(form);
    // Sent twice by a network that stumbles, it makes one job.
    const headers = { "idempotency-key": newName() };
    this.take((await api.post(path, { body, headers })) as ImageJob);
  }

  async upscale(image: string, scale: number): Promise<void> {
    this.take((await api.post("/api/v1/image/upscale", { body: { image, scale } })) as ImageJob);
  }

  async cancel(work: Work): Promise<void> {
    await api.post("/api/v1/image/jobs/{job}/cancel", { path: { job: work.job.id } });
  }

  dismiss(work: Work): void {
    this.all = this.all.filter((each) => each.job.id !== work.job.id);
  }

  private take(job: ImageJob): void {
    this.all = [{ job, preview: "" }, ...this.all.filter((each) => each.job.id !== job.id)];
    for (const image of job.images) gallery.add(image);
    if (!this.followed.has(job.id)) void this.follow(job.id);
  }

  private async follow(id: string): Promise<void> {
    this.followed.add(id);
    const control = new AbortController();
    await follow({
      open: (last, signal) => api.raw("GET", `/api/v1/image/jobs/${id}/events`, { signal, headers: last ? { "last-event-id": last } : {} }),
      onEvent: ({ event, data }) => this.hear(id, event, data),
      signal: control.signal, random: Math.random, sleep,
    }).catch(() => undefined); // it is not there any more: what is known of it stays
    this.followed.delete(id);
  }

  private hear(id: string, event: string, data: string): boolean {
    const told: unknown = JSON.parse(data);
    let over = false;
    this.all = this.all.map((each) => {
      if (each.job.id !== id) return each;
      const work = afterEvent(each, event, told);
      over = ended(work);
      if (over) void toldOf(work);
      return work;
    });
    if (event === "image") gallery.add(told as Parameters<typeof gallery.add>[0]);
    // What is done is in the gallery; what went wrong stays until somebody has seen it.
    if (over) this.all = this.all.filter((each) => each.job.id !== id || each.job.state === "failed");
    return over;
  }
}

async function toldOf({ job }: Work): Promise<void> {
  if (job.state === "cancelled") return;
  const title = t(job.state === "done" ? "images.told-done" : "images.told-failed");
  await tell({ title, body: job.title || (job.error?.message ?? ""), tag: job.id, url: pathOf("images") }, Date.parse(job.created_at));
}

export const works = new Works();
