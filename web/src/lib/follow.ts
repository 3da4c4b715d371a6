// Whether a view that grows at its end stays at it. Who scrolls up is left alone; who comes back to the end follows again.

/** Pixels: where the view is, how high all of it is, and how much is seen. */
export interface Place {
  top: number;
  height: number;
  seen: number;
}

export interface Following {
  /** Whether the view keeps to the end. */
  on: boolean;
  /** Where it was when it was last looked at. */
  top: number;
}

/** So near to the end counts as at the end: a line, and what a finger misses. */
export const NEAR_PX = 32;

export const AT_START: Following = { on: true, top: 0 };

export function fromEnd(place: Place): number {
  return Math.max(0, place.height - place.seen - place.top);
}

/**
 * After a scroll, whoever did it. Upwards and away from the end: the reader's wish. Anything else that leaves the end far away is
 * the text growing, which says nothing.
 */
export function scrolled(before: Following, place: Place): Following {
  if (fromEnd(place) <= NEAR_PX) return { on: true, top: place.top };
  return { on: before.on && place.top >= before.top, top: place.top };
}

/** A wheel, key or finger that goes up ends following even before the view has moved: else the next words would pull it back. */
export function goingUp(before: Following, place: Place): Following {
  return { on: before.on && place.height <= place.seen, top: before.top };
}

/** Where to scroll to after the text has grown, or null: nowhere. */
export function grown(now: Following, place: Place): number | null {
  return now.on && fromEnd(place) > 0 ? place.height - place.seen : null;
}

/** Whether the way to the end is offered. */
export function offersEnd(now: Following, place: Place): boolean {
  return !now.on && fromEnd(place) > NEAR_PX;
}
