/** Text that comes in pieces, however they are cut -> the tree of what has come so far. */

import { Blocks } from "./blocks";
import type { Root } from "./nodes";

/**
 * A line's beginning of which nobody can tell yet what it will be: a mark of a list, heading, fence, rule or table, or a line
 * under a paragraph. Shown at once, it would be text in one frame and something else in the next.
 */
const UNDECIDED =
  /^[\s>]*(?:[-*_+][-*_+ \t]*(?:\[(?:[ xX]\]?)?)?|#{1,6}|=+|`{1,3}|~{1,3}|\d{1,9}[.)]?|\|[^\n]*|\$\$?|\\\[?|\[\^?[^\]\n]{0,40}(?:\](?::[^\n]*)?)?|<[^>\n]{0,40})?\s*$/;

/** In code, only what may be its closing fence. */
const UNDECIDED_IN_CODE = /^[\s>]*[`~]{1,40}\s*$/;

export class MarkdownStream {
  private readonly blocks: Blocks;
  /** The last line as far as it has come. */
  private partial = "";
  private finished = false;
  private carriage = false;

  /** `own`: the portal's origin, to which no answer may link. */
  constructor(own: string | null = null) {
    this.blocks = Blocks.empty(own);
  }

  append(text: string): void {
    if (this.finished || text === "") return;
    // A line's end may be cut between its two characters.
    const joined = (this.carriage ? "\r" : "") + text;
    this.carriage = joined.endsWith("\r");
    const lines = (this.carriage ? joined.slice(0, -1) : joined).split(/\r\n|\r|\n/);
    this.partial += lines[0] ?? "";
    for (const line of lines.slice(1)) {
      this.blocks.line(this.partial);
      this.partial = line;
    }
  }

  finish(): void {
    if (this.finished) return;
    // A lone dash at the very end is a list that was cut off; read to the letter, it would make a heading of the line above.
    if (this.partial !== "" && !/^[\s>]*-\s*$/.test(this.partial)) this.blocks.line(this.partial);
    this.partial = "";
    this.blocks.finish();
    this.finished = true;
  }

  /** The tree now. Blocks that are finished are the same objects, with the same version, from one call to the next. */
  tree(): Root {
    if (this.finished) return this.blocks.root;
    const undecided = this.blocks.inCode ? UNDECIDED_IN_CODE : UNDECIDED;
    return this.blocks.preview(undecided.test(this.partial) ? "" : this.partial);
  }
}

/** The tree of a text that is whole. */
export function parseMarkdown(text: string, own: string | null = null): Root {
  const stream = new MarkdownStream(own);
  stream.append(text);
  stream.finish();
  return stream.tree();
}
