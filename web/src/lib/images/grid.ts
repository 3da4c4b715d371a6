// Which pictures of a gallery are on the screen: ten thousand are there, some dozens are drawn. Pure.

export interface Grid {
  columns: number;
  /** Side of a square cell, with its gap, in pixels. */
  cell: number;
  /** Of everything, in pixels. */
  height: number;
}

export interface Window {
  /** The first picture that is drawn, and the one behind the last. */
  from: number;
  to: number;
  /** Where the first row begins, in pixels from the top. */
  top: number;
}

export function gridOf(count: number, width: number, least: number, gap: number): Grid {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const cell = (width + gap) / columns;
  return { columns, cell, height: Math.max(0, Math.ceil(count / columns) * cell - gap) };
}

/** What is seen from `scrolled` pixels on, with some rows before and behind, so that scrolling finds no holes. */
export function windowOf(grid: Grid, count: number, scrolled: number, seen: number, spare = 3): Window {
  const rows = Math.ceil(count / grid.columns);
  const first = Math.max(0, Math.min(rows, Math.floor(scrolled / grid.cell)) - spare);
  const last = Math.min(rows, Math.ceil((scrolled + seen) / grid.cell) + spare);
  return { from: first * grid.columns, to: Math.min(count, Math.max(first, last) * grid.columns), top: first * grid.cell };
}

/** Where an arrow key leads from a picture; null where there is none. */
export function stepFrom(at: number, key: string, grid: Grid, count: number): number | null {
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + grid.columns, ArrowUp: at - grid.columns, Home: 0, End: count - 1 }[key];
  return next === undefined || next < 0 || next >= count ? null : next;
}
