/** What an answer says without its formatting: for images' descriptions, titles, copying and counting words. */

import type { Block, Inline, Root } from "./nodes";

export function plainText(inlines: readonly Inline[]): string {
  return inlines.map(inlineText).join("");
}

function inlineText(inline: Inline): string {
  switch (inline.type) {
    case "text":
    case "code":
    case "html":
      return inline.text;
    case "math":
      return inline.tex;
    case "image":
      return inline.alt;
    case "break":
      return "\n";
    case "footnote":
      return "";
    default:
      return plainText(inline.children);
  }
}

/** Blocks one under the other, with an empty line between. */
export function plainBlocks(blocks: readonly (Block | Root)[]): string {
  return blocks.map(blockText).filter(Boolean).join("\n\n");
}

function blockText(block: Block | Root): string {
  switch (block.type) {
    case "paragraph":
    case "heading":
      return plainText(block.inlines);
    case "code":
    case "html":
      return block.text.trimEnd();
    case "maths":
      return block.tex;
    case "rule":
      return "";
    case "table":
      return [block.head, ...block.rows].map((row) => row.cells.map(plainText).join("\t")).join("\n");
    default:
      return plainBlocks(block.children);
  }
}

/** Words as a reader would count them. */
export function wordCount(text: string): number {
  return text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
}
