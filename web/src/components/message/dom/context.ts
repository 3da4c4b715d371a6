import type { Code, Table } from "../../../lib/markdown/nodes";
import type { Hosts } from "./hosts";

/** Something that shows one block and can be given a newer state of it. */
export interface Part<T> {
  update(block: T): void;
  destroy(): void;
}

/** What painting needs beside the tree: pieces with controls are components, which are handed in. */
export interface Context {
  hosts: Hosts;
  code: (host: HTMLElement, block: Code) => Part<Code>;
  table: (host: HTMLElement, block: Table, context: Context) => Part<Table>;
  image: (host: HTMLElement, image: { url: string; host: string; alt: string }) => () => void;
  maths: (host: HTMLElement, tex: string, display: boolean) => void;
  /** The id of a footnote in this page: never a word of the text's own. */
  footnoteId: (number: number) => string;
  /** How a task's box is read aloud. */
  taskLabel: (done: boolean) => string;
}
