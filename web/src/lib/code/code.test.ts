import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, test } from "vitest";

import { around, firstWord, shownSuggestion, typedInto, worthAsking } from "./completion";
import { isDiff, parseDiff, placed } from "./diffs";
import { filled, recipesOf } from "./recipes";

describe("completion", () => {
  it("sends what is near, in whole lines", () => {
    const text = `${"line\n".repeat(4000)}here`;
    const { prefix, suffix } = around(text, text.length);
    expect(prefix.length).toBeLessThanOrEqual(8000);
    expect(prefix.startsWith("line\n")).toBe(true);
    expect(suffix).toBe("");
    expect(around("ab\ncd", 3)).toEqual({ prefix: "ab\n", suffix: "cd" });
  });

  it("keeps the cursor's own line, however long", () => {
    const long = "x".repeat(20_000);
    const { prefix, suffix } = around(long, 10_000);
    expect([prefix.length, suffix.length]).toEqual([8000, 2000]);
  });

  test.each([["", 0, false], ["  \n", 3, false], ["let a", 5, true], ["let a", 3, true], ["let a", 2, false]])("%j at %i: worth asking? %s", (text, at, worth) =>
    expect(worthAsking(text, at)).toBe(worth),
  );

  it("does not suggest what stands behind the cursor already", () => {
    expect(shownSuggestion("a, b)", ")\nnext")).toBe("a, b");
    expect(shownSuggestion("a, b\n", "")).toBe("a, b");
    expect(shownSuggestion("a", "  \nb")).toBe("a");
  });

  it("is taken by words, and shrinks as it is typed", () => {
    expect(firstWord("  return a + b")).toBe("  return");
    expect(firstWord("(a)")).toBe("(");
    expect(firstWord("\n")).toBe("\n");
    expect(typedInto("return a", "ret")).toBe("urn a");
    expect(typedInto("return a", "x")).toBeNull();
  });
});

const DIFF = `diff --git a/src/a.py b/src/a.py
index 1..2 100644
--- a/src/a.py
+++ b/src/a.py
@@ -1,3 +1,4 @@ def a():
 one
-two
+2
+2.5
 three
@@ -10 +11 @@
-ten
+10
\\ No newline at end of file
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1,2 +0,0 @@
---- looks like a head
-gone
`;

describe("diffs", () => {
  it("have files, hunks and numbered lines", () => {
    const files = parseDiff(DIFF);
    expect(files.map((file) => [file.path, file.hunks.length])).toEqual([["src/a.py", 2], ["old.txt", 1]]);
    expect(files[0]?.hunks[0]?.lines.map((line) => [line.kind, line.before, line.after, line.text])).toEqual([
      ["same", 1, 1, "one"],
      ["removed", 2, null, "two"],
      ["added", null, 2, "2"],
      ["added", null, 3, "2.5"],
      ["same", 3, 4, "three"],
    ]);
    expect(files[1]?.hunks[0]?.lines.map((line) => line.text)).toEqual(["--- looks like a head", "gone"]);
  });

  it("need no git", () => {
    expect(parseDiff("--- a.txt\t2026\n+++ b.txt\t2026\n@@ -1 +1 @@\n-a\n+b\n")[0]?.path).toBe("b.txt");
    expect(parseDiff("hello\n--- no\n")[0]?.hunks).toEqual([]);
    expect([isDiff(DIFF), isDiff("hello")]).toEqual([true, false]);
  });

  it("have findings under the lines they speak of", () => {
    const findings = [
      { path: "src/a.py", line: 2, end_line: 3 },
      { path: "src/a.py", line: 11, end_line: null },
      { path: "src/a.py", line: 90, end_line: null },
      { path: "b.py", line: 1, end_line: null },
    ];
    const { at, elsewhere } = placed(parseDiff(DIFF), findings);
    expect([...at.keys()]).toEqual(["src/a.py:3", "src/a.py:11"]);
    expect(elsewhere).toEqual(findings.slice(2));
  });
});

describe("recipes", () => {
  const guide = readFileSync(join(import.meta.dirname, "../../../../docs/guides/connect-a-client.md"), "utf8");
  const recipes = recipesOf(guide);
  const mine = { address: "https://potluck.lan", key: "pk_mine", model: "qwen3:8b" };

  it("are those of the guide", () => {
    const names = recipes.map((each) => each.name);
    for (const name of ["Claude Code", "Codex CLI", "opencode", "Continue (OpenAI)", "aider (OpenAI)", "Open WebUI", "llm (OpenAI)", "curl"]) expect(names).toContain(name);
    expect(new Set(recipes.map((each) => each.id)).size).toBe(recipes.length);
    for (const recipe of recipes) expect(recipe.steps.length).toBeGreaterThan(0);
  });

  it.each(recipes)("$name has the reader's address, key and model in it", (recipe) => {
    const text = filled(recipe, mine).map((step) => step.text).join("\n");
    expect(text).not.toMatch(/127\.0\.0\.1|smollm2|secrets\./);
    expect(text).toContain("https://potluck.lan");
    expect(text).toContain("pk_mine");
  });
});
