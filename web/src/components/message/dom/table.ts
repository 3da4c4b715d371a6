// A table's cells, painted row by row, in columns whose widths are measured once so that nothing moves while rows arrive.
import type { Inline, Row, Table } from "../../../lib/markdown/nodes";
import { plainText } from "../../../lib/markdown/plain";
import { columnWidths, numberColumns } from "../../../lib/markdown/tables";
import type { Context } from "./context";
import { patchInlines } from "./inline";

interface RowView {
  element: HTMLTableRowElement;
  row: Row;
  version: number;
  shown: readonly Inline[][];
}

export class TableView {
  private readonly head = document.createElement("thead");
  private readonly body = document.createElement("tbody");
  private readonly columns = document.createElement("colgroup");
  private headView: RowView | null = null;
  private readonly rows: RowView[] = [];
  private measured = false;
  private aligned = "";

  constructor(
    private readonly element: HTMLTableElement,
    private readonly context: Context,
  ) {
    element.append(this.columns, this.head, this.body);
  }

  paint(table: Table): void {
    this.headView = this.row(this.headView, table.head, this.head, "th");
    table.rows.forEach((row, index) => {
      this.rows[index] = this.row(this.rows[index] ?? null, row, this.body, "td");
    });
    for (const view of this.rows.splice(table.rows.length)) view.element.remove();
    if (!this.measured && table.rows.length > 0) this.measure(table);
    this.align(table);
  }

  private row(view: RowView | null, row: Row, parent: Element, cell: "th" | "td"): RowView {
    if (view?.row === row && view.version === row.version) return view;
    const element = view?.element ?? (parent.appendChild(document.createElement("tr")));
    row.cells.forEach((cells, index) => {
      const target = element.children[index] ?? element.appendChild(newCell(cell));
      patchInlines(target, view?.shown[index] ?? [], cells, this.context);
    });
    return { element, row, version: row.version, shown: row.cells };
  }

  private measure(table: Table): void {
    this.measured = true;
    const widths = columnWidths([table.head, ...table.rows].map((row) => row.cells.map((cell) => plainText(cell))));
    this.element.style.setProperty("--least", `${widths.reduce((sum, width) => sum + width, 0)}ch`);
    for (const width of widths) {
      const column = this.columns.appendChild(document.createElement("col"));
      column.style.width = `${width}ch`;
    }
  }

  /** Numbers stand at the right, where their digits can be compared; the table's own word goes first. */
  private align(table: Table): void {
    const numbers = numberColumns(table);
    const sides = table.align.map((align, column) => align ?? (numbers[column] === true ? "right" : "left"));
    const said = sides.join();
    const from = said === this.aligned ? this.rows.length - 1 : 0;
    this.aligned = said;
    const views = from === 0 ? [this.headView, ...this.rows] : this.rows.slice(from);
    for (const view of views) {
      sides.forEach((side, column) => (view?.element.children[column] as HTMLElement | undefined)?.setAttribute("data-align", side));
    }
  }
}

function newCell(name: "th" | "td"): HTMLTableCellElement {
  const cell = document.createElement(name);
  if (name === "th") cell.scope = "col";
  return cell;
}
