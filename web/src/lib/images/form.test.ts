import { describe, expect, it } from "vitest";

import { chips, EMPTY, order, reused, shapeOf } from "./form";

describe("the studio's form", () => {
  it("says only what was chosen", () => {
    expect(order({ ...EMPTY, prompt: " a fox " })).toEqual({ path: "/api/v1/image/generate", body: { prompt: "a fox", count: 1 } });
    const { body } = order({ ...EMPTY, prompt: "x", seed: "0", width: 512, height: 768, steps: 20, loras: [{ name: "", weight: 1 }, { name: "ink", weight: 0.5 }], hires: true });
    expect(body).toEqual({
      prompt: "x", count: 1, seed: 0, width: 512, height: 768, steps: 20, loras: [{ name: "ink", weight: 0.5 }],
      hires: { scale: 2, denoise: 0.5, upscaler: "", steps: 0 },
    });
  });

  it("draws over an image where there is one, within the mask", () => {
    expect(order({ ...EMPTY, prompt: "hat", image: "pic_1", mask: "data:x" })).toEqual({
      path: "/api/v1/image/edit", body: { prompt: "hat", count: 1, image: "pic_1", mask: "data:x", denoise: 0.75 },
    });
  });

  it("takes no seed that is none", () => {
    expect(order({ ...EMPTY, prompt: "x", seed: "abc" }).body).not.toHaveProperty("seed");
  });

  it("is filled from a picture's parameters, with its seed or with any", () => {
    const parameters = { prompt: "fox", seed: 7, width: 512, height: 512, loras: [{ name: "ink", weight: 0.3 }], init: "pic_9", task: "img2img", cfg: "bad" };
    expect(reused(parameters, true)).toEqual({ ...EMPTY, prompt: "fox", seed: "7", width: 512, height: 512, loras: [{ name: "ink", weight: 0.3 }], image: "pic_9" });
    expect(reused(parameters, false).seed).toBe("");
    expect(reused({}, true)).toEqual(EMPTY);
  });

  it("knows its shapes", () => {
    expect(shapeOf(EMPTY)).toBe("auto");
    expect(shapeOf({ width: 1216, height: 832 })).toBe("wide");
    expect(shapeOf({ width: 100, height: 832 })).toBe("own");
  });

  it("shows what was chosen as chips", () => {
    expect(chips({ prompt: "p", steps: 20, seed: 0, loras: [], hires: { scale: 2 }, sampler: "euler", tiling: false })).toEqual([
      { name: "steps", value: "20" }, { name: "hires", value: '{"scale":2}' }, { name: "sampler", value: "euler" },
    ]);
  });
});
