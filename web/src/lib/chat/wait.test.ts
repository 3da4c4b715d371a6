import { describe, expect, it } from "vitest";

import { asked, type Answer } from "./answer";
import { dwell, type Shown, waitOf } from "./wait";

const loading = { resident: (node: string) => (node === "cold" ? false : null), seconds: () => 20 };
const answer = (some: Partial<Answer>): Answer => ({ ...asked("a", "q", "chat", 0), ...some });

describe("the wait", () => {
  it("is said from the question to the first word", () => {
    const kinds = [
      answer({}),
      answer({ phase: "queued", position: 2, etaS: 8 }),
      answer({ phase: "seated", node: "cold" }),
      answer({ phase: "seated", node: "warm" }),
      answer({ phase: "begun", node: "warm" }),
      answer({ phase: "writing", reasoning: "Hm" }),
      answer({ phase: "writing", lost: true }),
    ].map((each) => waitOf(each, loading, 0)?.kind);
    expect(kinds).toEqual(["sending", "queued", "loading", "reading", "reading", "thinking", "lost"]);
    expect(waitOf(answer({ phase: "seated", node: "cold" }), loading, 8000)).toMatchObject({ share: 0.4, model: "chat" });
    expect(waitOf(answer({ phase: "seated", node: "cold" }), loading, 90_000)).toMatchObject({ share: 0.95 });
    expect(waitOf(answer({ phase: "writing", text: "Hi" }), loading, 0)).toBeNull();
    expect(waitOf(answer({ phase: "done", endedMs: 3 }), loading, 0)).toBeNull();
  });

  it("stands long enough to be read", () => {
    let shown: Shown = { wait: null, sinceMs: 0 };
    const at = (ms: number, kind: "sending" | "thinking" | null) => {
      const next = dwell(shown, kind && { kind }, ms);
      shown = next.shown;
      return [shown.wait?.kind ?? null, next.againMs];
    };
    expect(at(1000, "sending")).toEqual(["sending", null]);
    expect(at(1100, "thinking")).toEqual(["sending", 200]);
    expect(at(1300, "thinking")).toEqual(["thinking", null]);
    expect(at(1400, null)).toEqual(["thinking", 200]);
    expect(at(1600, null)).toEqual([null, null]);
  });

  it("takes another number in the same sentence at once", () => {
    const shown = { wait: { kind: "queued", position: 3, etaS: 9 } as const, sinceMs: 0 };
    expect(dwell(shown, { kind: "queued", position: 2, etaS: 5 }, 10).shown.wait).toMatchObject({ position: 2 });
  });
});
