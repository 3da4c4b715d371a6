// A tree of Markdown in an element of the page, painted again and again while it grows.
import type { Root } from "../../../lib/markdown/nodes";
import { BlockList, Outline } from "./blocks";
import type { Context } from "./context";
import { Hosts } from "./hosts";

export class Painter {
  private readonly hosts = new Hosts();
  private list: BlockList;
  private readonly context: Context;

  constructor(
    private readonly element: HTMLElement,
    parts: Omit<Context, "hosts">,
  ) {
    this.context = { ...parts, hosts: this.hosts };
    this.list = new BlockList(element, this.context, new Outline());
  }

  paint(root: Root): void {
    this.list.paint(root.children);
  }

  /** Begin again with nothing. */
  clear(): void {
    this.hosts.releaseAll();
    this.element.replaceChildren();
    this.list = new BlockList(this.element, this.context, new Outline());
  }
}
