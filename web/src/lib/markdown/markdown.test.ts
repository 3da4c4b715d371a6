import { describe, expect, test } from "vitest";

import type { Block, Inline, Table } from "./nodes";
import { plainBlocks, plainText, wordCount } from "./plain";
import { parseMarkdown } from "./stream";
import { numberColumns, toCsv, toMarkdown } from "./tables";
import { imageSource, safeHref } from "./urls";

const blocks = (text: string): Block[] => parseMarkdown(text, "https://potluck.example").children;

function inlines(text: string): Inline[] {
  const [block] = blocks(text);
  return block?.type === "paragraph" ? block.inlines : [];
}

const outline = (list: readonly Block[]): unknown[] =>
  list.map((block) => ("children" in block ? [block.type, ...outline(block.children)] : block.type));

describe("blocks", () => {
  test.each<[string, unknown[]]>([
    ["1. Do:\n```py\nx\n\ny\n```\n2. Then", [["list", ["item", "paragraph"]], "code", ["list", ["item", "paragraph"]]]],
    ["1. Do:\n\n   ```py\n   x\n\n   y\n   ```\n2. Then", [["list", ["item", "paragraph", "code"], ["item", "paragraph"]]]],
    [
      "- a\n  - b\n    - c\n- d",
      [
        [
          "list",
          ["item", "paragraph", ["list", ["item", "paragraph", ["list", ["item", "paragraph"]]]]],
          ["item", "paragraph"],
        ],
      ],
    ],
    [
      "> a\nlazy\n\n> b",
      [
        ["quote", "paragraph"],
        ["quote", "paragraph"],
      ],
    ],
    ["text\n- a\n- b", ["paragraph", ["list", ["item", "paragraph"], ["item", "paragraph"]]]],
    ["In 1986.\n1986. was\n2) too", ["paragraph"]],
    ["a\n| b | c |\n|---|---|\n| 1 |\n\nd", ["paragraph", "table", "paragraph"]],
    ["| b |\n|---|\n> q", ["table", ["quote", "paragraph"]]],
    ["- | b | c |\n  |---|---|\n  | 1 | 2 |", [["list", ["item", "table"]]]],
    ["````\n```\nin\n```\n````\nout", ["code", "paragraph"]],
    ["~~~\n```\n~~~", ["code"]],
    ["text\n$$\n- not a list\n= not a heading\n$$\nmore", ["paragraph", "maths", "paragraph"]],
    ["\\[\nx = 1\n\\]", ["maths"]],
    ["$$ x $$", ["maths"]],
    ["$$ x $$ is text", ["paragraph"]],
    ["<details>\n<summary>S</summary>\n\n**x**\n\n</details>", ["html", "paragraph", "html"]],
    [
      "[^1]: one\n\n    two\n\n[^2]: three",
      [
        ["footnote", "paragraph", "paragraph"],
        ["footnote", "paragraph"],
      ],
    ],
    ["[a]: https://example.com\n[b]: <x> 'y'\ntext", ["paragraph"]],
    ["```", ["code"]],
    ["1. It pays:\n   -", [["list", ["item", "paragraph"]]]],
    ["Setext\n-\n", ["heading"]],
    ["", []],
  ])("%j", (text, expected) => expect(outline(blocks(text))).toEqual(expected));

  test("tasks say whether they are done", () => {
    const [list] = blocks("- [x] done\n- [ ] open\n- [y] text\n- [x]");
    expect(list?.type === "list" && list.children.map((item) => item.task)).toEqual([true, false, null, null]);
  });

  test("a fence keeps its text as it is, tabs and all, and tells its language", () => {
    expect(blocks("```Rust,ignore\n\tfn main() {}\n\n```")[0]).toMatchObject({
      language: "rust",
      text: "\tfn main() {}\n\n",
      closed: true,
    });
    expect(blocks("  ```\n    two\n  ```")[0]).toMatchObject({ text: "  two\n" });
    expect(blocks("```c++ title=x\n```")[0]).toMatchObject({ language: "c++" });
  });

  test("an unclosed fence is closed by the end", () => {
    expect(blocks("```\na")[0]).toMatchObject({ type: "code", closed: true, text: "a\n" });
  });
});

describe("inline", () => {
  test.each<[string, string]>([
    ["it costs $5 and $6", "it costs $5 and $6"],
    ["US$5 to US$6", "US$5 to US$6"],
    ["$HOME/$USER", "$HOME/$USER"],
    ["2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"],
    ["~5 min, ~/dir", "~5 min, ~/dir"],
    ["array[0] and [^abc]", "array[0] and [^abc]"],
    ["&amp; &#x41; &unknown;", "& A &unknown;"],
  ])("%j is text", (text, expected) => {
    expect(inlines(text)).toEqual([{ type: "text", text: expected }]);
  });

  test.each<[string, string]>([
    ["$a$ and $b$", "a"],
    ["a 3$\\times$3 grid", "\\times"],
    ["\\(x_1\\)", "x_1"],
    ["so \\[x\\] holds", "x"],
    ["so $$x$$ holds", "x"],
  ])("%j holds a formula", (text, tex) => {
    expect(inlines(text).find((inline) => inline.type === "math")).toMatchObject({ tex });
  });

  test("bare addresses are links, without the sentence's end", () => {
    const link = (text: string): unknown => inlines(text).find((inline) => inline.type === "link");
    expect(link("see https://a.example/x_y_z(1), ok")).toMatchObject({ href: "https://a.example/x_y_z(1)" });
    expect(link("(https://a.example/x)")).toMatchObject({ href: "https://a.example/x" });
    expect(link("**https://a.example**")).toBeUndefined();
    expect(inlines("**https://a.example**")[0]).toMatchObject({ type: "strong", children: [{ type: "link" }] });
    expect(link("www.example.com/a")).toMatchObject({ href: "https://www.example.com/a" });
    expect(link("[https://a.example](https://a.example)")).toMatchObject({ children: [{ type: "text" }] });
  });

  test("html is text, and a line break is one", () => {
    expect(inlines('a <b onclick="x()">b</b><br>c').map((inline) => inline.type)).toEqual([
      "text",
      "html",
      "text",
      "html",
      "break",
      "text",
    ]);
  });

  test("emphasis as the standard has it", () => {
    expect(inlines("***both*** _a **b** c_ ~~gone~~")).toEqual([
      { type: "emphasis", children: [{ type: "strong", children: [{ type: "text", text: "both" }] }] },
      { type: "text", text: " " },
      {
        type: "emphasis",
        children: [
          { type: "text", text: "a " },
          { type: "strong", children: [{ type: "text", text: "b" }] },
          { type: "text", text: " c" },
        ],
      },
      { type: "text", text: " " },
      { type: "strike", children: [{ type: "text", text: "gone" }] },
    ]);
  });
});

describe("addresses", () => {
  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "/admin",
    "admin",
    "#top",
    "//evil.example/x",
    "https://potluck.example/api/v1/keys",
    "https://user:pw@evil.example/",
    "blob:https://potluck.example/1",
    "https:",
    "https:/\\evil",
    "http:evil",
  ])("%j is not followed", (raw) => expect(safeHref(raw, "https://potluck.example")).toBeUndefined());

  test.each([
    ["https://example.com", "https://example.com/"],
    ["HTTP://example.com/a b", "http://example.com/a%20b"],
    ["mailto:a@b.example", "mailto:a@b.example"],
  ])("%j is", (raw, href) => expect(safeHref(raw, "https://potluck.example")).toBe(href));

  test("images come from the answer itself or wait for a click", () => {
    expect(imageSource("data:image/png;base64,iVBORw0KGgo=")).toMatchObject({ kind: "data" });
    expect(imageSource("data:image/svg+xml;base64,PHN2Zz4=")).toEqual({ kind: "refused" });
    expect(imageSource("data:image/png,<svg onload=alert(1)>")).toEqual({ kind: "refused" });
    expect(imageSource("https://a.example/x.png?d=secret")).toEqual({
      kind: "foreign",
      url: "https://a.example/x.png?d=secret",
      host: "a.example",
    });
    expect(imageSource("/api/v1/files/1")).toEqual({ kind: "refused" });
    expect(imageSource("mailto:a@b.example")).toEqual({ kind: "refused" });
  });
});

describe("tables", () => {
  const table = blocks(
    "| name | GiB | note |\n|:--|--:|---|\n| a\\|b | 1.5 | **x**, y |\n| c | 24 | =1+1 |\n| only |",
  )[0] as Table;

  test("know their columns", () => {
    expect(table.align).toEqual(["left", "right", null]);
    expect(table.rows.map((row) => row.cells.map(plainText))).toEqual([
      ["a|b", "1.5", "x, y"],
      ["c", "24", "=1+1"],
      ["only", "", ""],
    ]);
    expect(numberColumns(table)).toEqual([false, true, false]);
  });

  test("can be taken along as Markdown", () => {
    const [again] = blocks(toMarkdown(table));
    expect(again).toMatchObject({ align: table.align });
    expect((again as Table).rows.map((row) => row.cells)).toEqual(table.rows.map((row) => row.cells));
  });

  test("can be taken along for a spreadsheet, where nothing runs", () => {
    expect(toCsv(table)).toBe('name,GiB,note\r\na|b,1.5,"x, y"\r\nc,24,\'=1+1\r\nonly,,');
  });
});

test("plain text says what is read, and words are counted as a reader would", () => {
  const text = plainBlocks(blocks("# Head\n\nIt's *well-made*, `ok`.\n\n- a\n- b\n\n```\ncode\n```"));
  expect(text).toBe("Head\n\nIt's well-made, ok.\n\na\n\nb\n\ncode");
  expect(wordCount(text)).toBe(7);
});
