import { describe, expect, test } from "vitest";

import { chance } from "../../../tests/chance";
import { randomAnswer } from "../../../tests/message/fragments";
import type { Block, Inline, Root } from "./nodes";
import { plainBlocks } from "./plain";
import { MarkdownStream, parseMarkdown } from "./stream";

/** What a tree says, without what tells only how it came about. */
function shape(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === "version" || key === "end" ? undefined : part)));
}

function streamed(text: string, next: () => number, look: (tree: Root) => void = () => undefined): Root {
  const stream = new MarkdownStream();
  for (let at = 0; at < text.length;) {
    const length = 1 + Math.floor(next() * next() * 40);
    stream.append(text.slice(at, at + length));
    if (next() < 0.5) look(stream.tree());
    at += length;
  }
  stream.finish();
  return stream.tree();
}

describe("streaming", () => {
  test("any cut of a text ends in the tree of the whole", () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const next = chance(seed);
      const text = randomAnswer(next);
      expect(shape(streamed(text, next)), JSON.stringify(text)).toEqual(shape(parseMarkdown(text)));
    }
  });

  test("looking at the tree meanwhile changes nothing", () => {
    for (let seed = 1000; seed <= 1200; seed += 1) {
      const next = chance(seed);
      const text = randomAnswer(next);
      const looked = streamed(text, next, (tree) => void plainBlocks(tree.children));
      expect(shape(looked), JSON.stringify(text)).toEqual(shape(parseMarkdown(text)));
    }
  });

  test("a finished block stays the same object with the same version", () => {
    const stream = new MarkdownStream();
    const seen = new Map<number, { block: Block; version: number }>();
    for (const word of "# A\n\none *two*\n\n- a\n- b\n\n```\ncode\n```\n\nlast words here".match(/\S+\s*/g) ?? []) {
      stream.append(word);
      const { children } = stream.tree();
      children.slice(0, -1).forEach((block, index) => {
        const before = seen.get(index);
        if (before) expect([block, block.version]).toEqual([before.block, before.version]);
        if (before && index < children.length - 2) expect(block).toBe(before.block);
        seen.set(index, { block, version: block.version });
      });
    }
  });

  test("a definition that comes late reaches the text before it, and tells so by its version", () => {
    const stream = new MarkdownStream();
    stream.append("> see [docs] and[^n]\n\n| [docs] |\n|:--|\n\nend\n\n");
    const before = stream.tree();
    const versions = before.children.map((block) => block.version);
    stream.append("[docs]: https://example.com/\n\n[^n]: note\n");
    stream.finish();
    const after = stream.tree();
    expect(after.children[0]?.version).toBeGreaterThan(versions[0] ?? 9);
    expect(after.children[1]?.version).toBeGreaterThan(versions[1] ?? 9);
    expect(after.children[2]?.version).toBe(versions[2]);
    expect(JSON.stringify(after)).toContain('"href":"https://example.com/"');
    expect(JSON.stringify(after.children[0])).toContain('"type":"footnote"');
  });
});

function shown(text: string): string {
  const stream = new MarkdownStream();
  stream.append(text);
  return plainBlocks(stream.tree().children);
}

describe("while text is coming", () => {
  test.each([
    ["Some text\n-", "Some text"],
    ["Some text\n\n1", "Some text"],
    ["| a | b |\n", ""],
    ["| a | b |\n|---", ""],
    ["a **bold", "a bold"],
    ["a **", "a "],
    ["say `co", "say co"],
    ["see [the docs](https://exa", "see the docs"],
    ["see [the do", "see the do"],
    ["look ![alt](https://ex", "look"],
    ["look ![al", "look"],
    ["```js\nlet a\n``", "let a"],
    ["- [", ""],
    ["[ref]: https://exam", ""],
  ])("%j shows %j", (text, expected) => expect(shown(text).trimEnd()).toBe(expected.trimEnd()));

  test("an open fence is plain text", () => {
    const stream = new MarkdownStream();
    stream.append("```python\nprint(1)\npri");
    expect(stream.tree().children[0]).toMatchObject({
      type: "code",
      language: "python",
      text: "print(1)\npri\n",
      closed: false,
    });
  });

  test("an open formula is a formula, and one that is cut is text", () => {
    const stream = new MarkdownStream();
    stream.append("$$\nx^2\n");
    expect(stream.tree().children[0]).toMatchObject({ type: "maths", closed: false });
    stream.finish();
    expect(stream.tree().children[0]).toMatchObject({ type: "paragraph" });
  });
});

describe("hostile text", () => {
  const nest = (blocks: readonly Block[]): number =>
    1 + Math.max(0, ...blocks.map((block) => ("children" in block ? nest(block.children) : 0)));
  const inlineNest = (inlines: readonly Inline[]): number =>
    1 + Math.max(0, ...inlines.map((inline) => ("children" in inline ? inlineNest(inline.children) : 0)));

  test("nothing nests deeper than a page can lay out", () => {
    expect(nest(parseMarkdown(`${">".repeat(5000)} deep`).children)).toBeLessThan(40);
    expect(nest(parseMarkdown(`${"- ".repeat(2000)}deep`).children)).toBeLessThan(60);
    const [paragraph] = parseMarkdown(`${"*a _b ".repeat(500)}${"c_ d* ".repeat(500)}`).children;
    expect(paragraph?.type === "paragraph" ? inlineNest(paragraph.inlines) : 99).toBeLessThan(30);
  });

  // Growing eightfold may cost eightfold and some; a square would cost sixty-four.
  test.each([
    ["stars", "*"],
    ["stars and words", "*a "],
    ["underscores", "_a_b"],
    ["brackets", "["],
    ["links", "[a]("],
    ["images", "![a"],
    ["ticks", "`` ` "],
    ["comments", "<!-- "],
    ["tags", "<a b "],
    ["dollars", "$a "],
    ["backslashes", "\\[ \\( "],
    ["entities", "&amp"],
    ["titles", '[a](b "'],
    ["addresses", "https://a.b/) "],
    ["closers", "a** b"],
    ["mixed", "**a *b [c `d $e "],
    ["nested brackets", "[a]["],
  ])("%s do not cost their square", (_, piece) => {
    const steps = (times: number): number => {
      const text = piece.repeat(Math.ceil(times / piece.length));
      const begin = performance.now();
      parseMarkdown(text);
      return performance.now() - begin;
    };
    steps(1000);
    // An absolute bound, wide enough for a slow machine: what grows with the square of it has no end at this size.
    expect(steps(30_000)).toBeLessThan(5000);
  });
});
