import { describe, expect, test } from "vitest";

import { fileName, languageOf } from "./names";
import { LIMIT, spansOf } from "./spans";

const coloured = async (code: string, word: string) => (await spansOf(code, word)).map(([from, to, colour]) => [code.slice(from, to), colour]);

describe("the colours of code", () => {
  test("lie on the words that have them", async () => {
    expect(await coloured('def greet(name):  # hi\n    return "a" + 1\n', "py")).toEqual([
      ["def", "keyword"], ["greet", "title"], ["# hi", "comment"], ["return", "keyword"], ['"a"', "string"], ["1", "number"],
    ]);
  });

  test("are right in a language inside another", async () => {
    const spans = await coloured("<p>x</p><script>let a = 1;</script>", "html");
    expect(spans).toContainEqual(["let", "keyword"]);
    expect(spans).toContainEqual(["1", "number"]);
  });

  test("are left out where the language is not known or the code has no end", async () => {
    expect(await spansOf("x", "no-such-language")).toEqual([]);
    expect(await spansOf("x", "constructor")).toEqual([]);
    expect(await spansOf("1 ".repeat(LIMIT), "py")).toEqual([]);
  });

  test("never overlap and never leave the text", async () => {
    for (const [word, code] of [["diff", "--- a\n+++ b\n-x\n+y"], ["ts", "const a: Map<string, number> = new Map(); // `x`"], ["json", '{"a": [1, true, null]}']] as const) {
      let end = 0;
      for (const [from, to] of await spansOf(code, word)) {
        expect(from).toBeGreaterThanOrEqual(end);
        expect(to).toBeLessThanOrEqual(code.length);
        end = to;
      }
      expect(end).toBeGreaterThan(0);
    }
  });
});

test.each([
  ["py", "snippet.py"], ["python", "snippet.py"], ["javascript", "snippet.js"], ["html", "snippet.html"], ["toml", "snippet.toml"], ["golang", "snippet.go"],
  ["c++", "snippet.cpp"], ["rust", "snippet.rs"], ["../../x", "snippet.txt"], ["", "snippet.txt"],
])("code in %j is saved as %s", (word, name) => expect(fileName(word)).toBe(name));

test("words for one language mean the same", () => {
  expect(["ts", "tsx", "typescript"].map(languageOf)).toEqual(["typescript", "typescript", "typescript"]);
});
