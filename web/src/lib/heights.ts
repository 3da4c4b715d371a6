// How high an answer will be when it is shown: a guess for what was never shown, what was measured for what was.

/** Characters on a line of the reading column, and the pixels of a line (tokens: --column, 16/26). */
const LINE_CHARACTERS = 80;
const LINE_PX = 26;
const GAP_PX = 14;

/** Pixels that a text will about take, by its lines and paragraphs. */
export function guessedHeight(text: string): number {
  let lines = 0;
  let gaps = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") gaps += 1;
    else lines += Math.ceil(line.length / LINE_CHARACTERS);
  }
  return Math.max(LINE_PX, lines * LINE_PX + gaps * GAP_PX);
}

/** Measured heights by whose they are; the eldest go first. */
export class Heights {
  private readonly known = new Map<string, number>();

  constructor(private readonly most = 500) {}

  get(key: string): number | undefined {
    return this.known.get(key);
  }

  set(key: string, height: number): void {
    this.known.delete(key);
    this.known.set(key, height);
    const eldest = this.known.keys().next();
    if (this.known.size > this.most && !eldest.done) this.known.delete(eldest.value);
  }
}
