// A worker that is there while it is needed: what hostile text may keep busy must not keep the page busy.

/** One that has not answered by then is stuck on what it was given: it is stopped, and the text stays as it is. */
const PATIENCE_MS = 4000;
/** One that nobody needs gives its memory back. */
const IDLE_MS = 60_000;

interface Answer<Found> {
  id: number;
  found: Found;
}

export class Background<Asked extends object, Found> {
  private worker: Worker | null = null;
  private next = 1;
  private idle: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting = new Map<number, (found: Found | undefined) => void>();

  constructor(private readonly begin: () => Worker) {}

  /** What the worker finds; undefined where it could not be asked or did not answer in time. */
  ask(asked: Asked): Promise<Found | undefined> {
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.begun());
    const id = this.next++;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.stop(), PATIENCE_MS);
      this.waiting.set(id, (found) => {
        clearTimeout(late);
        resolve(found);
      });
      worker.postMessage({ ...asked, id });
    });
  }

  private begun(): Worker {
    const made = this.begin();
    made.onmessage = ({ data }: MessageEvent<Answer<Found>>) => {
      const answer = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      answer?.(data.found);
      if (this.waiting.size === 0) this.idle = setTimeout(() => this.stop(), IDLE_MS);
    };
    made.onerror = () => this.stop();
    return made;
  }

  private stop(): void {
    this.worker?.terminate();
    this.worker = null;
    for (const answer of this.waiting.values()) answer(undefined);
    this.waiting.clear();
  }
}
