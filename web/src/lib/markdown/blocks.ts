/**
 * Lines -> blocks, as CommonMark 0.31 says with GFM's tables and task lists, footnotes and formulas.
 *
 * A block once finished is never changed again, but for links to definitions that come later. `preview` shows what the blocks
 * would be if the text ended here, without deciding anything: it reads on with a copy of what is open.
 */

import { Cursor } from "./cursor";
import { parseInlines } from "./inline";
import { definitionAt } from "./links";
import {
  isContainer,
  type Block,
  type Code,
  type Container,
  type Heading,
  type Html,
  type Maths,
  type Paragraph,
  type Root,
  type Row,
  type Table,
} from "./nodes";
import { References, type Lookup } from "./references";
import * as starts from "./starts";
import { alignments, cellsOf } from "./tables";

/** Containers in one another; deeper ones are text. A thousand quotes in one line would not lay out. */
const NESTING = 16;

type Open = Container | Code | Html | Maths | Paragraph | Table;

export class Blocks {
  readonly root: Root;

  private constructor(
    /** What is open, from the root to the innermost. */
    private readonly open: Open[],
    private readonly references: References,
    private readonly own: string | null,
    private readonly previewing: boolean,
  ) {
    this.root = open[0] as Root;
  }

  static empty(own: string | null): Blocks {
    return new Blocks([{ type: "root", children: [], version: 0 }], new References(), own, false);
  }

  /** Whether a line would be code as it stands. */
  get inCode(): boolean {
    return this.tip.type === "code" || this.tip.type === "html";
  }

  /** The tree as it would be if `line`, which may be the beginning of one, were the last. */
  preview(line: string): Root {
    const copies = this.open.map((block) => ({ ...block }));
    copies.forEach((copy, depth) => {
      if ("children" in copy) copy.children = copy.children.slice() as never;
      const parent = copies[depth - 1];
      if (parent && isContainer(parent)) parent.children[parent.children.length - 1] = copy as never;
      if (copy.type === "table") copy.rows = copy.rows.slice();
    });
    const ahead = new Blocks(copies, this.references, this.own, true);
    if (line !== "") ahead.line(line);
    ahead.finish();
    return ahead.root;
  }

  finish(): void {
    while (this.open.length > 1) this.close();
  }

  /** Read one line, without its end. */
  line(text: string): void {
    const cursor = new Cursor(text.replaceAll("\0", "\ufffd"));
    const matched = this.continuing(cursor);
    if (matched === null) return;
    const tip = this.tip;
    let container = this.open[matched - 1] as Open;
    let begun = false;
    while (container.type !== "code" && container.type !== "html" && container.type !== "maths") {
      const started: Open | "leaf" | null = this.start(cursor, container, begun ? this.open.length : matched);
      if (started === "leaf") return;
      if (started === null) break;
      container = started;
      begun = true;
    }
    if (!begun && matched < this.open.length && !cursor.blank && tip.type === "paragraph") {
      tip.source += `\n${cursor.trimmed}`; // a lazy continuation: the paragraph goes on without its containers' marks
      return;
    }
    if (!begun) this.closeTo(matched);
    this.content(cursor);
  }

  private get tip(): Open {
    return this.open[this.open.length - 1] as Open;
  }

  /** How many of the open blocks this line continues; null where it was the last of one. */
  private continuing(cursor: Cursor): number | null {
    for (let depth = 1; depth < this.open.length; depth += 1) {
      const block = this.open[depth] as Open;
      if (block.type === "code" && starts.closesFence(cursor, block)) {
        this.closeTo(depth + 1);
        block.closed = true;
        this.close();
        return null;
      }
      if (!continues(cursor, block)) return depth;
    }
    return this.open.length;
  }

  /** The block that begins here, opened; 'leaf' where it is whole with this line; null where none begins. */
  private start(cursor: Cursor, container: Open, matched: number): Open | "leaf" | null {
    const inParagraph = container.type === "paragraph";
    if (cursor.indent >= 4) {
      if (inParagraph || cursor.blank || this.tip.type === "paragraph" || container.type === "table") return null;
      cursor.skipColumns(4);
      return this.begin(matched, { type: "code", language: "", text: "", closed: false, fence: null, version: 0 });
    }
    const nested = matched <= NESTING;
    if (nested && cursor.trimmed.startsWith(">")) {
      cursor.skipSpace();
      cursor.skip(1);
      cursor.skipColumns(1);
      return this.begin(matched, { type: "quote", children: [], version: 0 });
    }
    const heading = starts.heading(cursor);
    if (heading) return this.leaf(matched, heading);
    const code = starts.fence(cursor);
    if (code) return this.begin(matched, code) && "leaf";
    const maths = starts.maths(cursor);
    if (maths) return maths.closed ? this.leaf(matched, maths) : this.begin(matched, maths) && "leaf";
    const html = starts.html(cursor, inParagraph);
    if (html) return this.begin(matched, html);
    if (inParagraph && this.underlined(cursor, container, matched)) return "leaf";
    if (starts.isRule(cursor)) return this.leaf(matched, { type: "rule", version: 0 });
    if (nested) {
      const item = starts.item(cursor, inParagraph);
      if (item) return this.beginItem(matched, container, item);
      const footnote = container.type === "paragraph" ? null : starts.footnote(cursor);
      if (footnote) {
        footnote.number = this.previewing ? 0 : this.references.defineFootnote(footnote.label);
        return this.begin(matched, footnote);
      }
    }
    return null;
  }

  /** A line under a paragraph that makes a heading or a table of it. */
  private underlined(cursor: Cursor, paragraph: Paragraph, matched: number): boolean {
    const level = starts.setext(cursor);
    if (level !== null) {
      paragraph.source = this.withoutDefinitions(paragraph.source);
      if (paragraph.source.trim() === "") return false;
      this.closeTo(matched);
      this.replaceTip({ type: "heading", level, source: paragraph.source.trim(), inlines: [], version: 0 });
      return true;
    }
    const lines = paragraph.source.split("\n");
    const head = lines.pop() ?? "";
    const align = alignments(head, cursor.trimmed);
    if (!align) return false;
    this.closeTo(matched);
    const table: Table = { type: "table", align, head: { source: head, cells: [], version: 0 }, rows: [], version: 0 };
    if (lines.length > 0) {
      paragraph.source = lines.join("\n");
      this.close();
      this.append(table);
    } else {
      this.parent.children[this.parent.children.length - 1] = table as never;
      this.open[this.open.length - 1] = table;
    }
    this.readRow(table, table.head);
    return true;
  }

  /** The last of the open blocks takes what is left of the line. */
  private content(cursor: Cursor): void {
    const tip = this.tip;
    if (tip.type === "code") tip.text += `${cursor.rest}\n`;
    else if (tip.type === "html") this.htmlLine(tip, cursor);
    else if (tip.type === "maths") this.mathsLine(tip, cursor);
    else if (cursor.blank) return;
    else if (tip.type === "table") this.tableLine(tip, cursor);
    else if (tip.type === "paragraph") tip.source += `\n${cursor.trimmed}`;
    else {
      if (tip.type === "item" && tip.children.length === 0) tip.task = starts.task(cursor);
      this.append({ type: "paragraph", source: cursor.trimmed, inlines: [], version: 0 });
    }
  }

  private htmlLine(html: Html, cursor: Cursor): void {
    html.text += `${cursor.rest}\n`;
    if (html.end?.test(cursor.rest)) this.close();
  }

  private mathsLine(maths: Maths, cursor: Cursor): void {
    const text = cursor.rest.trimEnd();
    maths.opening += `\n${cursor.rest}`;
    const ends = text.endsWith(maths.closer);
    maths.tex += `\n${ends ? text.slice(0, -2) : text}`;
    if (!ends) return;
    maths.closed = true;
    this.close();
  }

  private tableLine(table: Table, cursor: Cursor): void {
    const row: Row = { source: cursor.trimmed, cells: [], version: 0 };
    table.rows.push(row);
    this.readRow(table, row);
  }

  // Opening and closing

  private get parent(): Container {
    return this.open[this.open.length - 2] as Container;
  }

  private begin(matched: number, block: Open): Open {
    this.closeTo(matched);
    if (this.tip.type === "paragraph" || this.tip.type === "table") this.close();
    if (this.tip.type === "list" && block.type !== "item") this.close();
    this.append(block);
    return block;
  }

  private beginItem(matched: number, container: Open, { list, item }: NonNullable<ReturnType<typeof starts.item>>): Open {
    this.closeTo(matched);
    if (
      container.type === "list" &&
      container.marker === list.marker &&
      (container.start === null) === (list.start === null)
    ) {
      this.append(item);
      return item;
    }
    this.begin(matched, list);
    this.append(item);
    return item;
  }

  private leaf(matched: number, block: Block): "leaf" {
    this.begin(matched, block as Open);
    this.close();
    return "leaf";
  }

  private append(block: Open): void {
    const tip = this.tip;
    if (isContainer(tip)) {
      if (tip.type === "list" && block.type !== "item") {
        this.close();
        this.append(block);
        return;
      }
      tip.children.push(block as never);
    }
    this.open.push(block);
  }

  private replaceTip(heading: Heading): void {
    this.parent.children[this.parent.children.length - 1] = heading as never;
    this.open[this.open.length - 1] = heading as never;
    this.close();
  }

  private closeTo(depth: number): void {
    while (this.open.length > depth) this.close();
  }

  private close(): void {
    const block = this.tip as Block;
    if (block.type === "paragraph") this.closeParagraph(block);
    else if (block.type === "heading") this.read(block);
    else if (block.type === "table" && this.previewing && block.rows.length === 0) this.parent.children.pop();
    else if (block.type === "maths" && !block.closed) this.unclosedMaths(block);
    else if (block.type === "code") closeCode(block, this.previewing);
    this.open.pop();
  }

  private closeParagraph(paragraph: Paragraph): void {
    paragraph.source = this.withoutDefinitions(paragraph.source).trimEnd();
    // What begins like a table's head waits for the line under it.
    if (paragraph.source === "" || (this.previewing && /^\|[^\n]*$/.test(paragraph.source))) this.parent.children.pop();
    else this.read(paragraph);
  }

  /** A formula that a blank line or the end has cut is what it says; while it is being written it stays a formula. */
  private unclosedMaths(maths: Maths): void {
    if (this.previewing) return;
    const paragraph: Paragraph = { type: "paragraph", source: maths.opening, inlines: [], version: 0 };
    this.parent.children[this.parent.children.length - 1] = paragraph as never;
    this.read(paragraph);
  }

  private withoutDefinitions(source: string): string {
    let rest = source;
    while (rest.startsWith("[")) {
      const found = definitionAt(rest);
      if (!found) break;
      if (!this.previewing) this.references.define(found.label, found.target);
      rest = rest.slice(found.end);
    }
    return rest;
  }

  // Reading text

  private read(leaf: Paragraph | Heading): void {
    this.lookingUp([leaf], (lookup) => {
      leaf.inlines = this.inlines(leaf.source, lookup);
    });
  }

  private readRow(table: Table, row: Row): void {
    const cells = cellsOf(row.source);
    this.lookingUp([table, row], (lookup) => {
      row.cells = table.align.map((_, column) => this.inlines(cells[column] ?? "", lookup));
    });
  }

  private inlines(source: string, lookup: Lookup): ReturnType<typeof parseInlines> {
    return parseInlines(source, { lookup, own: this.own, open: this.previewing });
  }

  /** Read now, and again when a label that was not known is defined. */
  private lookingUp(changed: { version: number }[], read: (lookup: Lookup) => void): void {
    if (this.previewing) {
      read(this.references.known());
      return;
    }
    const path = [...this.open, ...changed];
    const again = (): void => {
      for (const block of new Set(path)) block.version += 1;
      read(this.references.watched(again));
    };
    read(this.references.watched(again));
  }
}

/** Whether a line continues an open block; what belongs to the block's mark is passed over. */
function continues(cursor: Cursor, block: Open): boolean {
  switch (block.type) {
    case "list":
      return true;
    case "quote":
      if (cursor.indent > 3 || !cursor.trimmed.startsWith(">")) return false;
      cursor.skipSpace();
      cursor.skip(1);
      cursor.skipColumns(1);
      return true;
    case "item":
      return indented(cursor, block.indent, block.children.length > 0);
    case "footnote":
      return indented(cursor, 4, block.children.length > 0);
    case "code":
      if (block.fence) cursor.skipColumns(Math.min(block.fence.indent, cursor.indent));
      else if (cursor.indent >= 4 || cursor.blank) cursor.skipColumns(4);
      else return false;
      return true;
    case "html":
      return block.end !== null || !cursor.blank;
    default:
      return !cursor.blank;
  }
}

function indented(cursor: Cursor, columns: number, filled: boolean): boolean {
  if (cursor.blank) {
    if (filled) cursor.skipSpace();
    return filled;
  }
  if (cursor.indent < columns) return false;
  cursor.skipColumns(columns);
  return true;
}

function closeCode(code: Code, previewing: boolean): void {
  if (!code.fence) code.text = code.text.replace(/(?:[ \t]*\n)+$/, "\n");
  if (!previewing) code.closed = true;
}
