// A model on its way to a machine: what the events of `POST /api/v1/models/pull` come to. Pure.
import type { Schema } from "../api";
import type { ApiError } from "../errors";

export interface Pull {
  id: number;
  model: string;
  node: string;
  engine: string;
  state: "placing" | "pulling" | "done" | "failed" | "cancelled";
  /** Why it goes there. */
  reason: string;
  /** What the engine says that it does. */
  status: string;
  bytes: number;
  totalBytes: number | null;
  ratePerS: number | null;
  etaS: number | null;
  license: string;
  error: ApiError | null;
}

export function begun(id: number, model: string, node: string): Pull {
  return {
    id, model, node, engine: "", state: "placing", reason: "", status: "", bytes: 0,
    totalBytes: null, ratePerS: null, etaS: null, license: "", error: null,
  };
}

/** After an event of the stream; events that are not known change nothing. */
export function pulled(pull: Pull, event: string, data: unknown): Pull {
  switch (event) {
    case "placed": {
      const { node, engine, reason } = data as Schema<"PullPlaced">;
      return { ...pull, node, engine, reason, state: "pulling" };
    }
    case "progress": {
      const told = data as Schema<"PullProgress">;
      return {
        ...pull, state: "pulling", status: told.status, bytes: told.bytes, totalBytes: told.total,
        ratePerS: told.rate, etaS: told.eta_s, license: told.license ?? "",
      };
    }
    case "done": {
      const told = data as Schema<"PullDone">;
      return { ...pull, state: "done", model: told.model, bytes: told.bytes, license: told.license };
    }
    default:
      return pull;
  }
}

/** From 0 to 1; null while nobody knows. */
export function shareOf(pull: Pull): number | null {
  if (pull.state === "done") return 1;
  return pull.totalBytes ? pull.bytes / pull.totalBytes : null;
}

export function isRunning(pull: Pull): boolean {
  return pull.state === "placing" || pull.state === "pulling";
}
