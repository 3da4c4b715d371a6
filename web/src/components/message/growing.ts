// The text of a code block while it is written.

/** A text node that is longer is left alone, and a new one begun: to append to it would lay all of it out anew. */
const NODE_CHARACTERS = 600;

/** Makes an element's text say `text`, touching only what is new where it has grown. */
export function growTo(element: HTMLElement, shown: string, text: string): void {
  if (text === shown) return;
  if (!text.startsWith(shown)) {
    element.textContent = text;
    return;
  }
  const last = element.lastChild;
  const added = text.slice(shown.length);
  if (last instanceof Text && last.length < NODE_CHARACTERS) last.appendData(added);
  else element.append(added);
}
