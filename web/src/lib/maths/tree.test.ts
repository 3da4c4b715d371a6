import { describe, expect, test } from "vitest";

import { mathsTree, type MathsNode } from "./tree";

const all = (node: MathsNode): MathsNode[] => [node, ...node.children.flatMap((child) => (typeof child === "string" ? [] : all(child)))];
const text = (node: MathsNode): string => node.children.map((child) => (typeof child === "string" ? child : text(child))).join("");

describe("a formula", () => {
  test("is a plain tree, which can be sent and compared", () => {
    const tree = mathsTree("\\frac{q}{s} + \\sum_{i=1}^k l_i", true);
    expect(tree?.tag).toBe("math");
    expect(structuredClone(tree)).toEqual(tree);
    expect(text(tree as MathsNode)).toBe("qs+∑i=1kli");
  });

  test("has the colours and tables that it asks for", () => {
    const nodes = all(mathsTree("\\color{red} x \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix} \\begin{aligned} a &= b \\\\ c &= d \\end{aligned}", true) as MathsNode);
    expect(nodes.some((node) => node.style.some(([name, value]) => name === "color" && value === "#ff0000"))).toBe(true);
    expect(nodes.filter((node) => node.tag === "mtd").length).toBe(8);
  });

  test.each([
    "\\frac{", "\\nonsense", "\\href{javascript:alert(1)}{x}", "\\url{https://evil.example}", "\\includegraphics{https://evil.example/x.png}",
    "\\def\\a{\\a\\a}\\a", "\\def\\b#1{\\b{#1#1}}\\b{x}", `${"{".repeat(3000)}x${"}".repeat(3000)}`, "x".repeat(20_000),
  ])("%s is shown as it is written", (tex) => expect(mathsTree(tex, false)).toBeNull());

  test("cannot carry what is not on the list", () => {
    for (const tex of ["\\htmlClass{evil}{x}", "\\htmlId{app}{x}", "\\htmlStyle{position:fixed}{x}", "\\htmlData{a=1}{x}", "\\label{app} x", "\\rule{9999em}{9999em}", "\\class{evil}{x}"]) {
      for (const node of all(mathsTree(tex, true) ?? { tag: "math", attributes: [], style: [], classes: [], children: [] })) {
        const said = JSON.stringify([node.attributes, node.style, node.classes]);
        expect(said).not.toMatch(/evil|fixed|"id"|href|onclick|data-|9999/);
      }
    }
  });
});
