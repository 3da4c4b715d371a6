// Blocks -> DOM. A block that is the same object in the same version as last time is not even looked at.
import type { Block, Code, Heading, Inline, Item, List, Maths, Table } from "../../../lib/markdown/nodes";
import type { Context, Part } from "./context";
import { growText, patchInlines } from "./inline";

interface View {
  element: HTMLElement;
  block: Block;
  version: number;
  update: (block: never) => void;
}

/** Shows the children of a container, or the whole of an answer. */
export class BlockList {
  private readonly views: View[] = [];

  constructor(
    private readonly parent: Element,
    private readonly context: Context,
    /** Levels of headings; null where headings are not part of the page's outline. */
    private readonly outline: Outline | null,
  ) {}

  paint(blocks: readonly Block[]): void {
    this.outline?.begin();
    blocks.forEach((block, index) => {
      const level = block.type === "heading" ? (this.outline?.level(block) ?? null) : null;
      const view = this.views[index];
      if (view?.block === block && view.version === block.version) return;
      if (view && fits(view, block, level)) {
        view.update(block as never);
        view.block = block;
        view.version = block.version;
        return;
      }
      const made = viewOf(block, this.context, level);
      this.views[index] = made;
      if (!view) {
        this.parent.append(made.element);
        return;
      }
      this.context.hosts.release(view.element);
      view.element.replaceWith(made.element);
    });
    for (const view of this.views.splice(blocks.length)) {
      this.context.hosts.release(view.element);
      view.element.remove();
    }
  }
}

/**
 * An answer's own heading in the page is an h2, so those in it begin at h3 and never skip a level, whatever the text does.
 * How large they are is another matter (`data-level`).
 */
export class Outline {
  private readonly above: number[] = [];

  begin(): void {
    this.above.length = 0;
  }

  level(heading: Heading): number {
    while ((this.above.at(-1) ?? 0) >= heading.level) this.above.pop();
    this.above.push(heading.level);
    return Math.min(6, 2 + this.above.length);
  }
}

function tagOf(block: Block, level: number | null): string {
  switch (block.type) {
    case "heading":
      return level === null ? "p" : `h${level}`;
    case "paragraph":
      return "p";
    case "quote":
      return "blockquote";
    case "list":
      return block.start === null ? "ul" : "ol";
    case "item":
      return "li";
    case "rule":
      return "hr";
    case "html":
      return "pre";
    default:
      return "div";
  }
}

function fits(view: View, block: Block, level: number | null): boolean {
  const before = view.block;
  if (before.type !== block.type || view.element.localName !== tagOf(block, level)) return false;
  if (before.type === "item") return (before.task === null) === ((block as Item).task === null);
  return true;
}

function viewOf(block: Block, context: Context, level: number | null): View {
  const element = document.createElement(tagOf(block, level));
  const update = updaterOf(element, block, context) as View["update"];
  update(block as never);
  return { element, block, version: block.version, update };
}

type Updater = ((block: never) => void) | (() => void);

function updaterOf(element: HTMLElement, block: Block, context: Context): Updater {
  switch (block.type) {
    case "paragraph":
      return inlineUpdater(element, context);
    case "heading":
      return headingUpdater(element, context);
    case "quote":
      return childrenUpdater(element, context);
    case "footnote":
      element.className = "footnote";
      element.id = context.footnoteId(block.number);
      element.append(numberMark(block.number));
      return childrenUpdater(element.appendChild(document.createElement("div")), context);
    case "list":
      return listUpdater(element, context);
    case "item":
      return itemUpdater(element, block, context);
    case "code":
      return partUpdater<Code>(element, context, (host, first) => context.code(host, first));
    case "table":
      return partUpdater<Table>(element, context, (host, first) => context.table(host, first, context));
    case "maths":
      element.className = "maths-block";
      return mathsUpdater(element, context);
    case "html":
      element.className = "html";
      return htmlUpdater(element);
    case "rule":
      return () => undefined;
  }
}

function inlineUpdater(element: HTMLElement, context: Context): (block: { inlines: Inline[] }) => void {
  let shown: readonly Inline[] = [];
  return ({ inlines }) => {
    patchInlines(element, shown, inlines, context);
    shown = inlines;
  };
}

function headingUpdater(element: HTMLElement, context: Context): (block: Heading) => void {
  const update = inlineUpdater(element, context);
  element.className = "heading";
  return (block) => {
    element.dataset["level"] = String(Math.min(block.level, 3));
    update(block);
  };
}

function childrenUpdater(element: HTMLElement, context: Context): (block: { children: Block[] }) => void {
  const list = new BlockList(element, context, null);
  return ({ children }) => list.paint(children);
}

function listUpdater(element: HTMLElement, context: Context): (block: List) => void {
  const list = new BlockList(element, context, null);
  return (block) => {
    if (element instanceof HTMLOListElement && block.start !== null && block.start !== 1) element.start = block.start;
    list.paint(block.children);
  };
}

function itemUpdater(element: HTMLElement, item: Item, context: Context): (block: Item) => void {
  if (item.task === null) return childrenUpdater(element, context);
  element.className = "task";
  const box = element.appendChild(document.createElement("span"));
  box.className = "tick";
  box.setAttribute("role", "img");
  const update = childrenUpdater(element.appendChild(document.createElement("div")), context);
  return (block) => {
    box.dataset["done"] = String(block.task === true);
    box.setAttribute("aria-label", context.taskLabel(block.task === true));
    update(block);
  };
}

/** Blocks with controls are components, which stand in an element of ours. */
function partUpdater<T extends Block>(element: HTMLElement, context: Context, make: (host: HTMLElement, first: T) => Part<T>): (block: T) => void {
  let part: Part<T> | null = null;
  return (block) => {
    if (part) {
      part.update(block);
      return;
    }
    part = make(element, block);
    context.hosts.add(element, part.destroy.bind(part));
  };
}

/** Plain while it is written, drawn once it is whole. */
function mathsUpdater(element: HTMLElement, context: Context): (block: Maths) => void {
  let drawn: string | null = null;
  return (block) => {
    element.classList.toggle("raw", !block.closed); // centred, every letter would move those before it
    if (!block.closed) element.textContent = block.tex;
    else if (drawn !== block.tex) context.maths(element, block.tex.trim(), true);
    drawn = block.closed ? block.tex : null;
  };
}

function htmlUpdater(element: HTMLElement): (block: { text: string }) => void {
  const text = document.createTextNode("");
  element.append(text);
  return (block) => growText(text, text.data, block.text.trimEnd());
}

function numberMark(number: number): HTMLElement {
  const mark = document.createElement("span");
  mark.className = "number";
  mark.textContent = `${number}.`;
  return mark;
}
