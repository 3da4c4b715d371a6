// Colours of code, found by a worker and laid on the text as it stands: no element is added, nothing moves.
import type { Colour, Span } from "../../lib/highlight/spans";

interface Asked {
  id: number;
  code: string;
  word: string;
}
interface Answer {
  id: number;
  spans: Span[];
}

/** A grammar that has not answered by then is stuck on this text; the worker is stopped, and the code stays plain. */
const PATIENCE_MS = 4000;
/** A worker that is not needed gives its memory back. */
const IDLE_MS = 30_000;

let worker: Worker | null = null;
let next = 1;
let idle: ReturnType<typeof setTimeout> | undefined;
const waiting = new Map<number, (spans: Span[]) => void>();

function ask(code: string, word: string): Promise<Span[]> {
  clearTimeout(idle);
  worker ??= begun();
  const id = next++;
  return new Promise((resolve) => {
    const late = setTimeout(stop, PATIENCE_MS);
    waiting.set(id, (spans) => {
      clearTimeout(late);
      resolve(spans);
    });
    worker?.postMessage({ id, code, word } satisfies Asked);
  });
}

function begun(): Worker {
  const made = new Worker(new URL("./highlight.worker.ts", import.meta.url), { type: "module" });
  made.onmessage = ({ data }: MessageEvent<Answer>) => {
    const answer = waiting.get(data.id);
    waiting.delete(data.id);
    answer?.(data.spans);
    if (waiting.size === 0) idle = setTimeout(stop, IDLE_MS);
  };
  made.onerror = stop;
  return made;
}

function stop(): void {
  worker?.terminate();
  worker = null;
  for (const answer of waiting.values()) answer([]);
  waiting.clear();
}

/** Colours the text of an element, which must not change any more. What is returned takes the colours off again. */
export function colour(element: HTMLElement, word: string): () => void {
  const painted: [Colour, StaticRange][] = [];
  let left = false;
  if (typeof Worker !== "undefined" && typeof CSS !== "undefined" && "highlights" in CSS) {
    void ask(element.textContent, word).then((spans) => {
      if (left || spans.length === 0) return;
      for (const [shade, range] of ranges(element, spans)) {
        registry(shade).add(range);
        painted.push([shade, range]);
      }
      element.dataset["coloured"] = word;
    });
  }
  return () => {
    left = true;
    for (const [shade, range] of painted) registry(shade).delete(range);
  };
}

function registry(shade: Colour): Highlight {
  const name = `code-${shade}`;
  let highlight = CSS.highlights.get(name);
  if (!highlight) CSS.highlights.set(name, (highlight = new Highlight()));
  return highlight;
}

/** Spans of a text, as ranges over the text nodes that hold it. */
function* ranges(element: HTMLElement, spans: readonly Span[]): Generator<[Colour, StaticRange]> {
  const nodes = [...element.childNodes].filter((node) => node instanceof Text);
  let index = 0;
  let begin = 0;
  const place = (offset: number): [Text, number] | null => {
    let node = nodes[index];
    while (node && offset > begin + node.length) {
      begin += node.length;
      node = nodes[++index];
    }
    return node ? [node, offset - begin] : null;
  };
  for (const [from, to, shade] of spans) {
    const start = place(from);
    const end = place(to);
    if (!start || !end) return;
    yield [shade, new StaticRange({ startContainer: start[0], startOffset: start[1], endContainer: end[0], endOffset: end[1] })];
  }
}

