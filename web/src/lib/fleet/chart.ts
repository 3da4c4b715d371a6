// Figures over time as lines: points of an SVG, the scale beside them, and the same as rows of a table. Pure.

export interface Line {
  id: string;
  label: string;
  /** Null where nothing is known: a gap, not a zero. */
  values: readonly (number | null)[];
}

export interface Size {
  width: number;
  height: number;
}

/** The top of the scale: the next round figure at or above all values, and never 0. */
export function topOf(values: readonly (number | null)[], least = 1): number {
  const most = values.reduce<number>((top, value) => Math.max(top, value ?? 0), least);
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= most - 1e-9) ?? most;
}

/** A path through the values, broken at gaps. A value alone is drawn as a dash of its step's width. */
export function linePath(values: readonly (number | null)[], top: number, { width, height }: Size): string {
  return runs(values)
    .map(({ from, run }) => {
      const points = run.map((value, at) => point(from + at, value, values.length, top, { width, height }));
      if (points.length === 1) return `M${points[0]}h${round(width / Math.max(1, values.length - 1) / 2)}`;
      return `M${points.join("L")}`;
    })
    .join("");
}

/** The same, filled down to zero. */
export function areaPath(values: readonly (number | null)[], top: number, size: Size): string {
  return runs(values)
    .filter(({ run }) => run.length > 1)
    .map(({ from, run }) => {
      const points = run.map((value, at) => point(from + at, value, values.length, top, size));
      const [left, right] = [x(from, values.length, size.width), x(from + run.length - 1, values.length, size.width)];
      return `M${left} ${size.height}L${points.join("L")}L${right} ${size.height}Z`;
    })
    .join("");
}

function runs(values: readonly (number | null)[]): { from: number; run: number[] }[] {
  const found: { from: number; run: number[] }[] = [];
  values.forEach((value, at) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last && last.from + last.run.length === at) last.run.push(value);
    else found.push({ from: at, run: [value] });
  });
  return found;
}

function x(at: number, count: number, width: number): number {
  return round(count < 2 ? 0 : (at / (count - 1)) * width);
}

function point(at: number, value: number, count: number, top: number, { width, height }: Size): string {
  return `${x(at, count, width)} ${round(height - (Math.min(value, top) / top) * height)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** When the step `at` began. */
export function timeAt(since: string, stepS: number, at: number): Date {
  return new Date(Date.parse(since) + at * stepS * 1000);
}

/** How many steps at the head hold nothing in any line, so that a young service's chart is no empty box: at least
 * `least` steps stay. */
export function blank(lines: readonly (readonly (number | null)[])[], least: number): number {
  const count = Math.max(0, ...lines.map((each) => each.length));
  let at = 0;
  while (at < count && lines.every((each) => (each[at] ?? null) === null)) at += 1;
  return Math.max(0, Math.min(at, count - least));
}

export interface TableRow {
  time: Date;
  values: (number | null)[];
}

/** For a table: the newest first, at most `most` rows, each the mean of as many steps. */
export function rowsOf(lines: readonly Line[], since: string, stepS: number, most: number): TableRow[] {
  const count = Math.max(0, ...lines.map((each) => each.values.length));
  const each = Math.max(1, Math.ceil(count / most));
  const found: TableRow[] = [];
  for (let from = 0; from < count; from += each) {
    const values = lines.map((line) => mean(line.values.slice(from, from + each)));
    if (values.some((value) => value !== null)) found.push({ time: timeAt(since, stepS, from), values });
  }
  return found.reverse();
}

export function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
