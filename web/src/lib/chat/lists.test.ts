// The sidebar's groups, the picker's models, prompts and files: small decisions, one file.
import { describe, expect, it } from "vitest";

import { can, type Choice, firstChoice, listed, nodesOf, warmth } from "./choices";
import { fitted, kindOf, mustRedraw, refusal } from "./files";
import { grouped } from "./groups";
import { blank } from "./message";
import { stepsOf } from "./steps";
import { asked, blanks, filled, found } from "./prompts";

describe("conversations", () => {
  it("stand in groups by calendar days, pinned ones apart", () => {
    const now = new Date(2026, 2, 30, 0, 30); // Europe's clocks changed the day before
    const at = (id: string, ...date: [number, number, number, number]) => ({ id, updatedMs: new Date(...date).getTime(), pinned: id === "pin" });
    const items = [at("old", 2020, 0, 1, 0), at("pin", 2026, 2, 30, 0), at("now", 2026, 2, 30, 0), at("night", 2026, 2, 29, 0), at("week", 2026, 2, 24, 12), at("month", 2026, 2, 2, 0)];
    expect(grouped(items, now).map((each) => `${each.group}: ${each.items.map((item) => item.id)}`)).toEqual([
      "pinned: pin", "today: now", "yesterday: night", "week: week", "month: month", "earlier: old",
    ]);
  });
});

const place = (node: string, wait_s: number | null, resident = true) => ({ node, engine: `${node}/0`, health: "up", resident, slots: 1, busy: 0, wait_s });
const choice = (id: string, some: Partial<Choice> = {}): Choice => ({
  id, kind: "model", ready: true, resident: true, capabilities: ["completion"], context: 4096, parameter_size: null, wait_s: 0,
  places: [place("agx0", 0)], alias_of: "", ...some,
});

describe("models", () => {
  it("are warm, busy, cold or away", () => {
    expect([choice("a"), choice("b", { wait_s: 8 }), choice("c", { resident: false, wait_s: 20 }), choice("d", { wait_s: null }), choice("e", { ready: false })].map(warmth))
      .toEqual(["warm", "busy", "cold", "away", "away"]);
  });

  it("are listed with routes first, warm before cold, without what cannot talk", () => {
    const all = [choice("zeta"), choice("alpha", { resident: false, wait_s: 9 }), choice("embed", { capabilities: ["embedding"] }), choice("chat", { kind: "route" }), choice("auto", { kind: "auto" })];
    expect(listed(all).map((each) => each.id)).toEqual(["auto", "chat", "zeta", "alpha"]);
    expect(listed(all, " ALP").map((each) => each.id)).toEqual(["alpha"]);
    expect(firstChoice(all, ["gone", "zeta"])).toBe("zeta");
    expect(firstChoice(all, [])).toBe("auto");
    expect(firstChoice([], ["x"])).toBe("");
  });

  it("name the nodes that would answer, the soonest first", () => {
    expect(nodesOf(choice("a", { places: [place("slow", 9), place("down", null), place("fast", 0), place("slow", 12)] }))).toEqual(["fast", "slow"]);
    expect([can(choice("a", { capabilities: ["vision"] }), "vision"), can(undefined, "vision")]).toEqual([true, false]);
  });
});

describe("prompts", () => {
  const text = "Translate {{ text }} into {{language:German}} on {{date}}: {{text}}";

  it("ask for each blank once, and not for what is known", () => {
    expect(blanks(text)).toEqual([{ name: "text", preset: "" }, { name: "language", preset: "German" }]);
  });

  it("are filled in without being read again", () => {
    expect(filled(text, { text: "{{language}}", date: "today" })).toBe("Translate {{language}} into German on today: {{language}}");
    expect(filled("{{constructor}} {{a:b}}", { a: "" })).toBe(" b");
  });

  it("are found by what is typed after a slash", () => {
    expect([asked("/"), asked("/tra"), asked("a /tra"), asked("/a b"), asked("/usr/bin")]).toEqual(["", "tra", null, null, null]);
    const prompts = [{ name: "Sum up", text: "short" }, { name: "Retranslate", text: "" }, { name: "Translate", text: "" }, { name: "Other", text: "to transmit" }];
    expect(found(prompts, "tra").map((each) => each.name)).toEqual(["Translate", "Retranslate", "Other"]);
  });
});

describe("files", () => {
  it("are known by type or by name", () => {
    expect([kindOf("a.PNG", "image/png"), kindOf("a.svg", "image/svg+xml"), kindOf("x.rs", ""), kindOf("p.pdf", ""), kindOf("Makefile", ""), kindOf("a.zip", "application/zip")])
      .toEqual(["image", "text", "text", "document", "text", "other"]);
  });

  it("are refused with a reason, and pictures made to fit", () => {
    expect(refusal({ name: "a.zip", type: "application/zip", size: 5 }, 0)).toBe("kind");
    expect(refusal({ name: "a.txt", type: "", size: 0 }, 0)).toBe("empty");
    expect(refusal({ name: "a.txt", type: "", size: 1e9 }, 0)).toBe("too-large");
    expect(refusal({ name: "a.txt", type: "", size: 5 }, 10)).toBe("too-many");
    expect(refusal({ name: "a.txt", type: "", size: 5 }, 9)).toBeNull();
    expect(fitted(4000, 3000)).toEqual({ width: 1568, height: 1176 });
    expect([mustRedraw("image/png", 100, 100), mustRedraw("image/heic", 1, 1), mustRedraw("image/png", 4000, 1)]).toEqual([false, true, true]);
  });
});

describe("tool calls", () => {
  it("are steps with what they gave, as far as it has come", () => {
    const call = (id: string, name: string) => ({ id, name, arguments: '{"q":1}' });
    const asking = { ...blank("a", null, "assistant", "", 0), toolCalls: [call("1", "search"), call("2", "read")] };
    const shown = [asking, blank("t", "a", "tool", "found", 0), blank("b", "t", "assistant", "So", 0)];
    expect(stepsOf(asking, shown)).toEqual([
      { id: "1", name: "search", state: "done", asked: '{\n  "q": 1\n}', answered: "found" },
      { id: "2", name: "read", state: "running", asked: '{\n  "q": 1\n}', answered: "" },
    ]);
    expect(stepsOf({ ...asking, toolCalls: [{ ...call("", "x"), arguments: "{half" }] }, [])).toMatchObject([{ id: "a-0", asked: "{half" }]);
  });
});
