import { describe, expect, it } from "vitest";

import { isSwitch, pieces, sections, type Setting, typed, written } from "./settings";

const setting = (more: Partial<Setting>): Setting => ({
  key: "health.interval", section: "health", type: "duration", value: null, default: "30s", source: "default",
  line: null, changeable: true, restart: false, description: "How often nodes are looked at.", ...more,
});

describe("settings on a page", () => {
  it("are found by all words, in name and description, and stay in their sections", () => {
    const all = [setting({}), setting({ key: "portal.name", section: "portal", description: "What it is called." }), setting({ key: "health.timeout" })];
    expect(sections(all, "").map(([name, each]) => [name, each.length])).toEqual([["health", 2], ["portal", 1]]);
    expect(sections(all, "called name").map(([name]) => name)).toEqual(["portal"]);
    expect(sections(all, "nothing")).toEqual([]);
  });

  it("come first where they can be changed, and their names in descriptions are code", () => {
    const all = [setting({ key: "server.port", section: "server", changeable: false }), setting({})];
    expect(sections(all, "").map(([name]) => name)).toEqual(["health", "server"]);
    expect(pieces("As `a: b`.")).toEqual([{ code: false, text: "As " }, { code: true, text: "a: b" }, { code: false, text: "." }]);
  });

  it("are written as in the file, with the default where nothing is set", () => {
    expect(written(setting({}))).toBe("30s");
    expect(written(setting({ value: 5 }))).toBe("5");
    expect(written(setting({ value: ["a"] }))).toBe('["a"]');
  });

  it("take what was typed as their kind of value", () => {
    expect(typed(setting({}), " 10s ")).toBe("10s");
    expect(typed(setting({}), "")).toBeNull();
    expect(typed(setting({ value: 5 }), "7")).toBe(7);
    const flag = setting({ value: true, default: "true" });
    expect(isSwitch(flag)).toBe(true);
    expect(typed(flag, "false")).toBe(false);
  });
});
