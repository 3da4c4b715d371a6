// What a page shows first. What somebody came for is drawn first, and the rest of it after a paint each: drawn at once, all
// of it would keep a slow machine from hearing a key.

class Beginning {
  /** 0: the view's own. 1: the rail, too. 2: all. */
  step = $state(0);
}

export const beginning = new Beginning();

/** Draws the rest, step by step. */
export async function goOn(): Promise<void> {
  while (beginning.step < 2) {
    await painted();
    beginning.step += 1;
  }
}

/** Where nobody looks nothing is painted. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    const soon = () => void setTimeout(resolve);
    if (document.hidden) soon();
    else requestAnimationFrame(soon);
  });
}
