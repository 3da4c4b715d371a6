/** The tree that Markdown becomes: plain data, no HTML anywhere. What is shown is made from these types alone. */

export type Inline =
  | { type: "text"; text: string }
  | { type: "code"; text: string }
  | { type: "math"; tex: string; display: boolean }
  | { type: "emphasis" | "strong" | "strike"; children: Inline[] }
  /** `href` is missing where the address is not one that may be followed: then the text stands alone. */
  | { type: "link"; href?: string; title?: string; children: Inline[] }
  | { type: "image"; source: ImageSource; alt: string }
  | { type: "footnote"; number: number; label: string }
  | { type: "break" }
  /** HTML is shown as it was written. */
  | { type: "html"; text: string };

/** Where an image would come from: inside the answer, somebody else's host (on a click only), or nowhere. */
export type ImageSource =
  { kind: "data"; url: string } | { kind: "foreign"; url: string; host: string } | { kind: "refused" };

export type Align = "left" | "center" | "right" | null;

interface Versioned {
  /** Grows when a finished block changes, which only a definition further down can do. */
  version: number;
}

export interface Root extends Versioned {
  type: "root";
  children: Block[];
}
export interface Quote extends Versioned {
  type: "quote";
  children: Block[];
}
export interface List extends Versioned {
  type: "list";
  /** The first number, or null for bullets. */
  start: number | null;
  marker: string;
  children: Item[];
}
export interface Item extends Versioned {
  type: "item";
  /** A box to tick, and whether it is ticked. */
  task: boolean | null;
  /** Columns that content is indented by. */
  indent: number;
  children: Block[];
}
/** What `[^label]` refers to. */
export interface Footnote extends Versioned {
  type: "footnote";
  label: string;
  number: number;
  children: Block[];
}
export interface Paragraph extends Versioned {
  type: "paragraph";
  source: string;
  inlines: Inline[];
}
export interface Heading extends Versioned {
  type: "heading";
  level: 1 | 2 | 3 | 4 | 5 | 6;
  source: string;
  inlines: Inline[];
}
export interface Code extends Versioned {
  type: "code";
  /** The first word after the fence; empty for indented code. */
  language: string;
  text: string;
  /** Whether the closing fence (or the end of the answer) has come. */
  closed: boolean;
  fence: Fence | null;
}
export interface Maths extends Versioned {
  type: "maths";
  tex: string;
  closer: "$$" | "\\]";
  closed: boolean;
  opening: string;
}
export interface Html extends Versioned {
  type: "html";
  text: string;
  /** What ends it; null: a blank line. */
  end: RegExp | null;
}
export interface Rule extends Versioned {
  type: "rule";
}
export interface Row extends Versioned {
  source: string;
  cells: Inline[][];
}
export interface Table extends Versioned {
  type: "table";
  align: Align[];
  head: Row;
  rows: Row[];
}

export interface Fence {
  char: string;
  length: number;
  indent: number;
}

export type Container = Root | Quote | List | Item | Footnote;
export type Leaf = Paragraph | Heading | Code | Maths | Html | Rule | Table;
export type Block = Exclude<Container, Root> | Leaf;

export function isContainer(block: Block | Root): block is Container {
  return "children" in block;
}
