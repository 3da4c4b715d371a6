// Colours of code, found by a worker and laid on the text as it stands: no element is added, nothing moves.
import type { Colour, Span } from "../../lib/highlight/spans";
import { Background } from "./background";

const background = new Background<{ code: string; word: string }, Span[]>(
  () => new Worker(new URL("./highlight.worker.ts", import.meta.url), { type: "module", name: "highlight" }),
);

/** Colours the text of an element, which must not change any more. What is returned takes the colours off again. */
export function colour(element: HTMLElement, word: string): () => void {
  const painted: [Colour, StaticRange][] = [];
  let left = false;
  if (typeof Worker !== "undefined" && typeof CSS !== "undefined" && "highlights" in CSS) {
    void background.ask({ code: element.textContent, word }).then((spans) => {
      if (left || !spans || spans.length === 0) return;
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

