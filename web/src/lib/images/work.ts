// A job that makes pictures, as its events tell of it. Pure.
import type { components } from "../api-types";

type Schemas = components["schemas"];
export type ImageJob = Schemas["ImageJobInfo"];
export type ImageInfo = Schemas["ImageInfo"];
export type ImageProgress = Schemas["ImageProgress"];

export interface Work {
  job: ImageJob;
  /** A data URI of the picture on its way; the last one there was stays until the picture is there. */
  preview: string;
}

const ENDS = new Set(["done", "failed", "cancelled"]);

export function ended(work: Work): boolean {
  return ENDS.has(work.job.state);
}

export function afterEvent(work: Work, event: string, data: unknown): Work {
  if (event === "job" || ENDS.has(event)) {
    const job = data as ImageJob;
    return { job: { ...job, progress: job.progress ?? (job.state === "running" ? work.job.progress : null) }, preview: job.state === "running" ? work.preview : "" };
  }
  if (event === "position") return { ...work, job: { ...work.job, position: (data as { position: number }).position } };
  if (event === "progress") {
    const progress = data as ImageProgress;
    return { job: { ...work.job, state: "running", position: null, progress }, preview: progress.preview ?? work.preview };
  }
  if (event === "image") {
    const image = data as ImageInfo;
    const others = work.job.images.filter((each) => each.id !== image.id);
    return { job: { ...work.job, images: [...others, image], done: others.length + 1 }, preview: "" };
  }
  return work;
}

/** How far the whole job is, from 0 to 1; null while nobody knows. */
export function share(work: Work): number | null {
  const { state, progress, done, total } = work.job;
  if (state === "queued") return null;
  return progress?.share ?? (total > 0 ? done / total : null);
}
