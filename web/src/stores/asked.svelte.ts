// Something that a view asks the service for: what came, what went wrong, and asking again.
import { type ApiError, shownError } from "../lib/errors";

export class Asked<T> {
  /** Null until it is there. While it is asked for again, what was there before stays. */
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  busy = $state(false);
  private turn = 0;

  constructor(private readonly ask: () => Promise<T>) {}

  /** Asks; never rejects. Of several that are under way the last one counts. */
  load = async (): Promise<void> => {
    const turn = ++this.turn;
    this.busy = true;
    try {
      const value = await this.ask();
      if (turn !== this.turn) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (turn === this.turn) this.error = shownError(error);
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  };
}
