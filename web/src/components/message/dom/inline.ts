// Inline nodes -> DOM, one node for each, changing only what has changed. Elements and attributes are the ones written here.
import type { ImageSource, Inline } from "../../../lib/markdown/nodes";
import type { Context } from "./context";

/** Make the children of an element, which show `before`, show `after`. */
export function patchInlines(parent: Element, before: readonly Inline[], after: readonly Inline[], context: Context): void {
  after.forEach((inline, index) => {
    const shown = before[index];
    const node = parent.childNodes[index];
    if (shown === undefined || node === undefined) parent.append(made(inline, context));
    else if (!changed(node, shown, inline, context)) {
      context.hosts.release(node);
      node.replaceWith(made(inline, context));
    }
  });
  while (parent.childNodes.length > after.length) {
    const last = parent.lastChild;
    if (!last) return;
    context.hosts.release(last);
    last.remove();
  }
}

/** Whether a node could be made to show another inline by a change to it. */
function changed(node: ChildNode, before: Inline, after: Inline, context: Context): boolean {
  if (same(before, after)) return true;
  if (before.type === "text" && after.type === "text") {
    growText(node as Text, before.text, after.text);
    return true;
  }
  if (before.type === "code" && after.type === "code" && node.firstChild) {
    growText(node.firstChild as Text, before.text, after.text);
    return true;
  }
  if ("children" in before && "children" in after && before.type === after.type && sameTarget(before, after)) {
    patchInlines(node as Element, before.children, after.children, context);
    return true;
  }
  return false;
}

/** Appends where text has only grown: a selection in it stays. */
export function growText(node: Text, before: string, after: string): void {
  if (after.startsWith(before)) {
    if (after.length > before.length) node.appendData(after.slice(before.length));
  } else node.data = after;
}

function sameTarget(before: Inline, after: Inline): boolean {
  if (before.type !== "link" || after.type !== "link") return true;
  return before.href === after.href && before.title === after.title;
}

function same(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null) return false;
  const keys = Object.keys(before);
  return (
    keys.length === Object.keys(after).length &&
    keys.every((key) => same(before[key as keyof typeof before], after[key as keyof typeof after]))
  );
}

const TAGS = { emphasis: "em", strong: "strong", strike: "del" } as const;

function made(inline: Inline, context: Context): Node {
  switch (inline.type) {
    case "text":
      return document.createTextNode(inline.text);
    case "code":
      return element("code", inline.text);
    case "html":
      return element("code", inline.text, "html");
    case "break":
      return document.createElement("br");
    case "math": {
      const host = element("span", "", "maths");
      context.maths(host, inline.tex, inline.display);
      return host;
    }
    case "image":
      return image(inline.source, inline.alt, context);
    case "footnote":
      return footnoteMark(inline.number, context);
    case "link":
      return filled(link(inline.href, inline.title), inline.children, context);
    default:
      return filled(document.createElement(TAGS[inline.type]), inline.children, context);
  }
}

function element<Name extends "span" | "code">(name: Name, text: string, kind = ""): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.append(text);
  if (kind) made.className = kind;
  return made;
}

function filled(parent: HTMLElement, children: readonly Inline[], context: Context): HTMLElement {
  for (const child of children) parent.append(made(child, context));
  return parent;
}

/** A way out of the portal: it learns nothing of where it was followed from. What must not be followed is text. */
function link(href: string | undefined, title: string | undefined): HTMLElement {
  if (href === undefined) return element("span", "", "no-link");
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  anchor.title = title === undefined ? href : `${title}\n${href}`;
  return anchor;
}

function image(source: ImageSource, alt: string, context: Context): HTMLElement {
  const host = element("span", "", "image");
  if (source.kind === "foreign") {
    context.hosts.add(host, context.image(host, { url: source.url, host: source.host, alt }));
  } else if (source.kind === "data") {
    const picture = document.createElement("img");
    picture.alt = alt;
    picture.decoding = "async";
    picture.src = source.url;
    host.append(picture);
  } else host.append(alt);
  return host;
}

function footnoteMark(number: number, context: Context): HTMLElement {
  const mark = document.createElement("sup");
  const anchor = document.createElement("a");
  anchor.href = `#${context.footnoteId(number)}`;
  anchor.textContent = String(number);
  mark.append(anchor);
  return mark;
}
