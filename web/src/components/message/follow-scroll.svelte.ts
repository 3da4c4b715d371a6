// The scrolling of a view that grows at its end: `lib/follow` decides, this watches and moves.
import { AT_START, type Following, goingUp, grown, offersEnd, type Place, scrolled } from "../../lib/follow";

const UP_KEYS: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"]);

export class FollowScroll {
  /** Whether a button that leads to the end should be there. */
  offered = $state(false);
  private now: Following = AT_START;
  private box: HTMLElement | null = null;

  /** Attach to the element that scrolls; what grows is its first child. */
  readonly attach = (box: HTMLElement): (() => void) => {
    this.box = box;
    this.now = AT_START;
    const place = (): Place => ({ top: box.scrollTop, height: box.scrollHeight, seen: box.clientHeight });
    const look = (): void => {
      this.now = scrolled(this.now, place());
      this.offered = offersEnd(this.now, place());
    };
    const grow = (): void => {
      const top = grown(this.now, place());
      if (top === null) this.offered = offersEnd(this.now, place());
      else {
        box.scrollTop = top; // at once: a smooth scroll would run behind the words
        this.now = { on: true, top };
      }
    };
    const up = (): void => void (this.now = goingUp(this.now, place()));
    const wheel = (event: WheelEvent): void => void (event.deltaY < 0 && up());
    const key = (event: KeyboardEvent): void => void (UP_KEYS.has(event.key) && event.target === box && up());
    const watcher = new ResizeObserver(grow);
    if (box.firstElementChild) watcher.observe(box.firstElementChild);
    watcher.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    box.addEventListener("wheel", wheel, { passive: true });
    box.addEventListener("keydown", key);
    return () => {
      watcher.disconnect();
      box.removeEventListener("scroll", look);
      box.removeEventListener("wheel", wheel);
      box.removeEventListener("keydown", key);
      this.box = null;
    };
  };

  /** Go to the end and stay there: the button's doing, and that of a message one has sent. */
  toEnd(): void {
    if (!this.box) return;
    this.now = { on: true, top: this.box.scrollHeight - this.box.clientHeight };
    this.box.scrollTop = this.now.top;
    this.offered = false;
  }
}
