// The studio's form, between what people choose and what the service is asked. Pure.
import type { components } from "../api-types";

type Schemas = components["schemas"];
export type GenerateRequest = Schemas["GenerateRequest"];
export type EditRequest = Schemas["EditRequest"];
export type Drawing = Omit<EditRequest, "init">;

export interface ChosenLora {
  name: string;
  weight: number;
}
export type ControlKind = Schemas["ImageControl"]["kind"];

/** What is drawn with. Numbers of 0 and empty texts leave it to the model; `seed` is empty for any. */
export interface StudioForm {
  prompt: string;
  negative: string;
  model: string;
  width: number;
  height: number;
  count: number;
  seed: string;
  steps: number;
  cfg: number;
  sampler: string;
  scheduler: string;
  loras: ChosenLora[];
  hires: boolean;
  /** An id, or a data URI, of the picture that is drawn over; empty for a picture out of words. */
  image: string;
  /** A data URI: white where is to be drawn. */
  mask: string;
  denoise: number;
  control: ControlKind | "";
  controlImage: string;
}

export const EMPTY: StudioForm = {
  prompt: "", negative: "", model: "", width: 0, height: 0, count: 1, seed: "", steps: 0, cfg: 0, sampler: "", scheduler: "",
  loras: [], hires: false, image: "", mask: "", denoise: 0.75, control: "", controlImage: "",
};

/** Sizes by their shape; 0 is what suits the model. About a megapixel, sides a multiple of 64. */
export const SHAPES = [
  { id: "auto", width: 0, height: 0 },
  { id: "square", width: 1024, height: 1024 },
  { id: "wide", width: 1216, height: 832 },
  { id: "tall", width: 832, height: 1216 },
  { id: "small", width: 512, height: 512 },
] as const;
export type ShapeId = (typeof SHAPES)[number]["id"] | "own";

export function shapeOf(form: Pick<StudioForm, "width" | "height">): ShapeId {
  return SHAPES.find((each) => each.width === form.width && each.height === form.height)?.id ?? "own";
}

/** What to ask for, and where: only what was chosen is said, so that the service's defaults are the model's own. */
export function order(form: StudioForm): { path: "/api/v1/image/generate" | "/api/v1/image/edit"; body: Drawing | GenerateRequest } {
  const drawing: Drawing = { prompt: form.prompt.trim(), count: form.count };
  if (form.negative.trim()) drawing.negative = form.negative.trim();
  if (form.model) drawing.model = form.model;
  if (form.width && form.height) Object.assign(drawing, { width: form.width, height: form.height });
  if (/^\d+$/.test(form.seed.trim())) drawing.seed = Number(form.seed);
  if (form.steps) drawing.steps = form.steps;
  if (form.cfg) drawing.cfg = form.cfg;
  if (form.sampler) drawing.sampler = form.sampler;
  if (form.scheduler) drawing.scheduler = form.scheduler;
  const loras = form.loras.filter((each) => each.name !== "");
  if (loras.length > 0) drawing.loras = loras;
  if (form.control && form.controlImage) {
    drawing.controls = [{ kind: form.control, image: form.controlImage, preprocess: true, weight: 1, start: 0, end: 1, model: "" }];
  }
  if (!form.image) {
    return { path: "/api/v1/image/generate", body: form.hires ? { ...drawing, hires: { scale: 2, denoise: 0.5, upscaler: "", steps: 0 } } : drawing };
  }
  const edit: Drawing = { ...drawing, image: form.image };
  if (form.mask) edit.mask = form.mask;
  edit.denoise = form.denoise;
  return { path: "/api/v1/image/edit", body: edit };
}

/** The form that would make a picture again, from the parameters that are kept with it. */
export function reused(parameters: Readonly<Record<string, unknown>>, keepSeed: boolean): StudioForm {
  const text = (name: string) => (typeof parameters[name] === "string" ? (parameters[name] as string) : "");
  const number = (name: string) => (typeof parameters[name] === "number" ? (parameters[name] as number) : 0);
  const list = Array.isArray(parameters["loras"]) ? (parameters["loras"] as Partial<ChosenLora>[]) : [];
  return {
    ...EMPTY,
    prompt: text("prompt"), negative: text("negative"), model: text("model"),
    width: number("width"), height: number("height"), steps: number("steps"), cfg: number("cfg"),
    sampler: text("sampler"), scheduler: text("scheduler"),
    seed: keepSeed && number("seed") >= 0 && "seed" in parameters ? String(number("seed")) : "",
    loras: list.map((each) => ({ name: String(each.name ?? ""), weight: Number(each.weight ?? 1) })),
    hires: typeof parameters["hires"] === "object" && parameters["hires"] !== null,
    image: text("init") || text("image"),
    denoise: number("denoise") || EMPTY.denoise,
  };
}

/** Parameters as chips: name and value, the prompts apart; what was left to the model is not said. */
export function chips(parameters: Readonly<Record<string, unknown>>): { name: string; value: string }[] {
  const apart = new Set(["prompt", "negative", "task"]);
  return Object.entries(parameters).flatMap(([name, value]) => {
    if (apart.has(name) || value === null || value === "" || value === 0 || value === false) return [];
    if (Array.isArray(value) && value.length === 0) return [];
    return [{ name, value: typeof value === "object" ? JSON.stringify(value) : String(value) }];
  });
}
