import { describe, expect, it } from "vitest";

import { afterEvent, ended, type ImageJob, share, type Work } from "./work";

const JOB: ImageJob = {
  id: "j", state: "queued", title: "fox", done: 0, total: 2, failures: 0, position: 3, progress: null, images: [], error: null,
  again_at: null, created_at: "", started_at: null, ended_at: null,
};
const at = (more: Partial<ImageJob> = {}): Work => ({ job: { ...JOB, ...more }, preview: "" });
const progress = { index: 0, step: 5, steps: 20, share: 0.1, eta_s: 9, what: "drawing", node: "agx0", preview: "data:a" };

describe("a job that makes pictures", () => {
  it("waits in line, begins, and shows the picture on its way", () => {
    let work = afterEvent(at(), "position", { position: 1 });
    expect([work.job.position, share(work)]).toEqual([1, null]);
    work = afterEvent(work, "progress", progress);
    expect([work.job.state, work.preview, share(work)]).toEqual(["running", "data:a", 0.1]);
    work = afterEvent(work, "progress", { ...progress, step: 6, preview: null });
    expect(work.preview).toBe("data:a");
  });

  it("has each picture once, and no preview of one that is there", () => {
    let work: Work = { ...at({ state: "running" }), preview: "data:a" };
    work = afterEvent(work, "image", { id: "p1" });
    work = afterEvent(work, "image", { id: "p1" });
    expect([work.job.images.length, work.job.done, work.preview]).toEqual([1, 1, ""]);
    expect(share(work)).toBe(0.5);
  });

  it("ends", () => {
    const work = afterEvent(at(), "failed", { ...JOB, state: "failed" });
    expect([ended(work), ended(at())]).toEqual([true, false]);
    expect(afterEvent(work, "later", {})).toBe(work);
  });
});
