// What may go with a message. Pure.

export type Kind = "image" | "text" | "document" | "other";

const TEXT_ENDS = new Set(
  "txt md markdown csv tsv json jsonl yaml yml toml ini cfg conf log xml html htm css scss js mjs ts tsx jsx svelte vue py rb go rs c h cc cpp hpp cs java kt swift php pl lua r sh bash zsh fish ps1 sql tex rst diff patch dockerfile makefile".split(" "),
);
// What models are sent; others are drawn anew as one of these.
const SENT_IMAGES = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);

export const MOST_FILES = 10;
export const MOST_BYTES = 32 * 1024 * 1024;
// The longer side: no model looks closer, and a phone's picture of 12 megapixels takes a node seconds.
export const LONGEST_SIDE = 1568;

export function kindOf(name: string, type: string): Kind {
  if (type.startsWith("image/") && type !== "image/svg+xml") return "image";
  const end = name.split(".").at(-1)?.toLowerCase() ?? "";
  if (type.startsWith("text/") || type === "application/json" || type === "image/svg+xml" || TEXT_ENDS.has(end)) return "text";
  return type === "application/pdf" || end === "pdf" ? "document" : "other";
}

/** Whether a picture must be drawn anew before it is sent. */
export function mustRedraw(type: string, width: number, height: number): boolean {
  return !SENT_IMAGES.has(type) || Math.max(width, height) > LONGEST_SIDE;
}

/** A size that fits, in the same proportions. */
export function fitted(width: number, height: number, longest = LONGEST_SIDE): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export type Refusal = "too-many" | "too-large" | "empty" | "kind";

/** Why a file cannot go along; null where it can. */
export function refusal(file: { name: string; type: string; size: number }, already: number): Refusal | null {
  if (already >= MOST_FILES) return "too-many";
  if (file.size > MOST_BYTES) return "too-large";
  if (file.size === 0) return "empty";
  return kindOf(file.name, file.type) === "other" ? "kind" : null;
}
