// Unified diffs, as git writes them, read to be shown.

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
  /** Numbers in the file before and after; null where it has no such line. */
  before: number | null;
  after: number | null;
}
export interface Hunk {
  head: string;
  lines: DiffLine[];
}
export interface FileDiff {
  path: string;
  hunks: Hunk[];
}

/** Lines beyond which a diff is not drawn whole: nobody reads them, and the page would be slow. */
export const DRAWN_LINES = 3000;

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** The files of a diff; nothing for a text that is none. */
export function parseDiff(text: string): FileDiff[] {
  const files: FileDiff[] = [];
  let file: FileDiff | null = null;
  let hunk: Hunk | null = null;
  let before = 0;
  let after = 0;
  let left = { before: 0, after: 0 };
  for (const line of text.split(/\r?\n/)) {
    if (hunk && (left.before > 0 || left.after > 0)) {
      const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "same";
      if (line.startsWith("\\")) continue;
      hunk.lines.push({
        kind, text: line.slice(1), before: kind === "added" ? null : before, after: kind === "removed" ? null : after,
      });
      if (kind !== "added") { before += 1; left.before -= 1; }
      if (kind !== "removed") { after += 1; left.after -= 1; }
      continue;
    }
    const head = HUNK.exec(line);
    if (head && file) {
      before = Number(head[1]);
      after = Number(head[3]);
      left = { before: Number(head[2] ?? 1), after: Number(head[4] ?? 1) };
      hunk = { head: line, lines: [] };
      file.hunks.push(hunk);
    } else if (line.startsWith("diff --git ") || (line.startsWith("--- ") && !file?.path.startsWith("\0"))) {
      file = { path: line.startsWith("diff ") ? `\0${/ b\/(.*)$/.exec(line)?.[1] ?? ""}` : "", hunks: [] };
      files.push(file);
      hunk = null;
    }
    if (line.startsWith("+++ ") && file) file.path = cleanPath(line.slice(4)) ?? file.path.replace("\0", "");
    if (line.startsWith("--- ") && file && file.path.replace("\0", "") === "") file.path = cleanPath(line.slice(4)) ?? "";
  }
  return files.map((each) => ({ ...each, path: each.path.replace("\0", "") }));
}

function cleanPath(path: string): string | null {
  const plain = path.replace(/\t.*$/, "").replace(/^"(.*)"$/, "$1");
  return plain === "/dev/null" ? null : plain.replace(/^[ab]\//, "");
}

/** Whether a text looks like a diff at all. */
export function isDiff(text: string): boolean {
  return /^(?:diff --git |--- |\+\+\+ |@@ -)/m.test(text);
}

interface Placed {
  path: string;
  line: number;
  end_line: number | null;
}

/** Findings by the line that they stand under: "path:line" of the last line that a finding speaks of and the diff shows. */
export function placed<F extends Placed>(files: readonly FileDiff[], findings: readonly F[]): { at: Map<string, F[]>; elsewhere: F[] } {
  const shown = new Map<string, number[]>();
  for (const file of files) {
    const lines = file.hunks.flatMap((hunk) => hunk.lines.flatMap((line) => (line.after === null ? [] : [line.after])));
    shown.set(file.path, lines);
  }
  const at = new Map<string, F[]>();
  const elsewhere: F[] = [];
  for (const finding of findings) {
    const last = finding.end_line ?? finding.line;
    const line = shown.get(finding.path)?.findLast((each) => each <= last && each >= finding.line);
    if (line === undefined) elsewhere.push(finding);
    else at.set(`${finding.path}:${line}`, [...(at.get(`${finding.path}:${line}`) ?? []), finding]);
  }
  return { at, elsewhere };
}
