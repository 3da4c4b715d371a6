// The memory of a machine as one bar: models, what else is in use, and what is free. Pure.
import type { LiveNode } from "../live";

export interface MemoryPart {
  /** The model; empty for what is used by anything else. */
  model: string;
  engine: string;
  bytes: number;
  /** Of the whole bar, from 0 to 1. */
  share: number;
  busy: boolean;
  pinned: boolean;
}

export interface MemoryBar {
  /** `gpu`: a graphics processor's own; `unified`: the machine's, which models share with all else. */
  kind: "gpu" | "unified";
  /** Null where nobody told how much there is. */
  totalBytes: number | null;
  usedBytes: number;
  freeBytes: number | null;
  parts: MemoryPart[];
}

/** By the machine's agent where there is one, else by what the owner said and what the models take. */
export function memoryOf(node: LiveNode): MemoryBar {
  const machine = node.machine;
  const gpu = (machine?.vram_bytes ?? 0) > 0;
  const told = gpu ? machine?.vram_bytes : (node.memory_bytes ?? machine?.total_bytes);
  const held = node.engines.flatMap((engine) =>
    engine.held.map((model) => ({
      model: model.model,
      engine: engine.id,
      bytes: gpu ? (model.vram_bytes ?? model.memory_bytes) : model.memory_bytes,
      busy: (model.busy ?? 0) > 0,
      pinned: model.pinned ?? false,
    })),
  );
  const models = held.reduce((sum, each) => sum + each.bytes, 0);
  const totalBytes = told ?? null;
  const free = gpu ? machine?.vram_free_bytes : machine?.available_bytes;
  // An owner may give models less than the machine has: what is free of that, not of all.
  const others = totalBytes === null || free == null ? 0 : Math.max(0, wholeOf(node, gpu) - free - models);
  const usedBytes = models + others;
  const whole = Math.max(totalBytes ?? 0, usedBytes);
  const share = (bytes: number) => (whole === 0 ? 0 : bytes / whole);
  const parts: MemoryPart[] = held.filter((each) => each.bytes > 0).map((each) => ({ ...each, share: share(each.bytes) }));
  parts.sort((a, b) => b.bytes - a.bytes || a.model.localeCompare(b.model));
  if (others > 0) parts.push({ model: "", engine: "", bytes: others, share: share(others), busy: false, pinned: false });
  return { kind: gpu ? "gpu" : "unified", totalBytes, usedBytes, freeBytes: totalBytes === null ? null : Math.max(0, whole - usedBytes), parts };
}

function wholeOf(node: LiveNode, gpu: boolean): number {
  const machine = node.machine;
  const whole = gpu ? machine?.vram_bytes : machine?.total_bytes;
  return whole ?? node.memory_bytes ?? 0;
}
