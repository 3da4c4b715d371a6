/** Rows of tables, read and written. */

import type { Align, Table } from "./nodes";
import { plainText } from "./plain";

/** More columns than this are no table that anybody can read, and a row of nothing but bars would cost as much as its square. */
const COLUMNS = 64;

const DELIMITER = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** A row's cells as they are written, without the bars. */
export function cellsOf(line: string): string[] {
  const text = line.trim().replace(/^\|/, "");
  const cells: string[] = [];
  let cell = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\\" && text[at + 1] === "|") {
      cell += "|";
      at += 1;
    } else if (char === "|") {
      cells.push(cell.trim());
      cell = "";
      if (cells.length > COLUMNS) return cells;
    } else cell += char;
  }
  if (cell.trim() !== "" || text === "") cells.push(cell.trim());
  return cells;
}

/** The columns that a delimiter row tells under this head, or null where the two are no table. */
export function alignments(head: string, line: string): Align[] | null {
  if (!line.includes("|") && !line.includes(":")) return null;
  if (!DELIMITER.test(line)) return null;
  const cells = cellsOf(line);
  if (cells.length > COLUMNS || cells.length !== cellsOf(head).length || !(head.includes("|") || cells.length === 1))
    return null;
  return cells.map((cell) => {
    const left = cell.startsWith(":");
    if (cell.endsWith(":")) return left ? "center" : "right";
    return left ? "left" : null;
  });
}

const NUMBER = /^[\s€$£¥~≈<>≤≥(+−-]*\d[\d\s.,'’]*(?:[%‰°]|e[+-]?\d+)?[)\s]*(?:[A-Za-zµ€$£¥/²³]{1,8})?$/;

/** Columns whose cells are all numbers (gaps and dashes apart): they stand at the right, unless the table says otherwise. */
export function numberColumns(table: Table): boolean[] {
  return table.align.map((_, column) => {
    const texts = table.rows
      .map((row) => plainText(row.cells[column] ?? []).trim())
      .filter((text) => !/^[-–—]?$/.test(text));
    return texts.length > 0 && texts.every((text) => NUMBER.test(text));
  });
}

/** The table as Markdown again, its columns padded. */
export function toMarkdown(table: Table): string {
  const rows = [table.head, ...table.rows].map((row) => cellsOf(row.source));
  const widths = table.align.map((_, column) => Math.max(3, ...rows.map((row) => escaped(row[column] ?? "").length)));
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  const rule = table.align.map((align, column) => {
    const dashes = "-".repeat((widths[column] ?? 3) - (align === "center" ? 2 : align === null ? 0 : 1));
    return `${align === "left" || align === "center" ? ":" : ""}${dashes}${align === "right" || align === "center" ? ":" : ""}`;
  });
  const body = rows.map((row) => line(widths.map((width, column) => escaped(row[column] ?? "").padEnd(width))));
  return [body[0], line(rule), ...body.slice(1)].join("\n");
}

/** The table as comma-separated values (RFC 4180). Cells that a spreadsheet would run as formulas begin with an apostrophe. */
export function toCsv(table: Table): string {
  const rows = [table.head, ...table.rows].map((row) => table.align.map((_, column) => plainText(row.cells[column] ?? [])));
  return rows.map((row) => row.map(csvCell).join(",")).join("\r\n");
}

function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.,]+%?$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const escaped = (cell: string): string => cell.replaceAll("|", "\\|");

/** Characters that a column gets at least and at most; between them its longest cell decides. */
const NARROWEST = 5;
const WIDEST = 36;
/** Space beside a cell's text, in characters. */
const PADDING = 3;

/** Widths of columns in characters, by the texts of their rows. */
export function columnWidths(rows: readonly string[][]): number[] {
  const count = rows[0]?.length ?? 0;
  return Array.from({ length: count }, (_, column) => {
    const longest = Math.max(...rows.map((row) => row[column]?.length ?? 0));
    return Math.min(WIDEST, Math.max(NARROWEST, longest)) + PADDING;
  });
}
