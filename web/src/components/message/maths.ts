// Formulas as MathML: read by a worker, which begins with the first one, and drawn here from a plain tree.
import { TEX_LIMIT } from "../../lib/markdown/maths";
import type { MathsNode } from "../../lib/maths/tree";
import { Background } from "./background";

interface Asked {
  tex: string;
  display: boolean;
}

const MATHML = "http://www.w3.org/1998/Math/MathML";
/** Formulas that are remembered: an answer that is painted again must not wait for the worker. */
const REMEMBERED = 400;

const remembered = new Map<string, MathsNode | null>();
const background = new Background<Asked, MathsNode | null>(
  () => new Worker(new URL("./maths.worker.ts", import.meta.url), { type: "module", name: "maths" }),
);

/** Shows a formula in an element: at once where it is known, else as it is written until it has been read. */
export function showMaths(host: HTMLElement, tex: string, display: boolean): void {
  const key = `${display ? "D" : "I"}${tex}`;
  host.dataset["tex"] = tex;
  const known = remembered.get(key);
  if (known) {
    host.replaceChildren(drawn(known));
    return;
  }
  host.textContent = tex;
  host.classList.toggle("not-tex", known === null);
  if (known === null || tex.length > TEX_LIMIT) return;
  void read({ tex, display }).then((tree) => {
    if (tree !== undefined) remember(key, tree);
    if (host.dataset["tex"] !== tex) return;
    if (tree) host.replaceChildren(drawn(tree));
    else host.classList.add("not-tex");
  });
}

async function read(asked: Asked): Promise<MathsNode | null | undefined> {
  if (typeof Worker !== "undefined") return background.ask(asked);
  const { mathsTree } = await import("../../lib/maths/tree"); // where there are no workers, as in tests
  return mathsTree(asked.tex, asked.display);
}

function remember(key: string, tree: MathsNode | null): void {
  remembered.set(key, tree);
  const eldest = remembered.keys().next();
  if (remembered.size > REMEMBERED && !eldest.done) remembered.delete(eldest.value);
}

/** Elements and attributes of the tree passed a list (`lib/maths/tree`); styles are set one by one, which the policy allows. */
function drawn(node: MathsNode): Element {
  const element = document.createElementNS(MATHML, node.tag) as MathMLElement;
  for (const [name, value] of node.attributes) element.setAttribute(name, value);
  // Not everything that has a DOM has styles on such elements.
  if ("style" in element) for (const [name, value] of node.style) element.style[name as "color"] = value;
  if (node.classes.length > 0) element.setAttribute("class", node.classes.join(" "));
  element.append(...node.children.map((child) => (typeof child === "string" ? child : drawn(child))));
  return element;
}
