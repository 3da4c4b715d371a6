/** A place in a line, in characters and in columns: tabs reach to the next multiple of four and may be taken in part. */

export class Cursor {
  offset = 0;
  column = 0;
  /** Columns of the tab at `offset` that are taken already. */
  private partial = false;

  constructor(readonly text: string) {}

  /** Offset of the next character that is neither space nor tab. */
  get next(): number {
    let at = this.offset;
    while (this.text[at] === " " || this.text[at] === "\t") at += 1;
    return at;
  }

  /** Columns of white space before it. */
  get indent(): number {
    let column = this.column;
    for (let at = this.offset; at < this.next; at += 1) column += this.text[at] === "\t" ? 4 - (column % 4) : 1;
    return column - this.column;
  }

  get blank(): boolean {
    return this.next === this.text.length;
  }

  /** What is left from the next character that is neither space nor tab. */
  get trimmed(): string {
    return this.text.slice(this.next);
  }

  /** What is left, with the rest of a tab that was taken in part as spaces. */
  get rest(): string {
    return this.partial
      ? " ".repeat(4 - (this.column % 4)) + this.text.slice(this.offset + 1)
      : this.text.slice(this.offset);
  }

  get spaceHere(): boolean {
    return this.text[this.offset] === " " || this.text[this.offset] === "\t";
  }

  skip(characters: number): void {
    this.offset += characters;
    this.column += characters;
    this.partial = false;
  }

  skipSpace(): void {
    this.skipColumns(this.indent);
  }

  /** Pass over up to so many columns of white space. */
  skipColumns(columns: number): void {
    let left = columns;
    while (left > 0 && this.spaceHere) {
      const width = this.text[this.offset] === "\t" ? 4 - (this.column % 4) : 1;
      const taken = Math.min(width, left);
      this.column += taken;
      left -= taken;
      this.partial = taken < width;
      if (!this.partial) this.offset += 1;
    }
  }

  mark(): { offset: number; column: number; partial: boolean } {
    return { offset: this.offset, column: this.column, partial: this.partial };
  }

  back(mark: { offset: number; column: number; partial: boolean }): void {
    this.offset = mark.offset;
    this.column = mark.column;
    this.partial = mark.partial;
  }
}
