// Ghost text: what the model would write next, shown behind the cursor and taken with a key.
import { type Extension, Prec, StateEffect, StateField, type TransactionSpec } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, ViewPlugin, type ViewUpdate, WidgetType } from "@codemirror/view";

import { firstWord, REST_MS, shownSuggestion, typedInto, worthAsking } from "../../../lib/code/completion";

interface Ghost {
  at: number;
  text: string;
}

const setGhost = StateEffect.define<Ghost | null>();

class GhostText extends WidgetType {
  constructor(readonly text: string) {
    super();
  }

  override eq(other: GhostText): boolean {
    return other.text === this.text;
  }

  toDOM(): HTMLElement {
    const shown = document.createElement("span");
    shown.className = "cm-ghost";
    shown.setAttribute("aria-hidden", "true"); // it is announced, and is no part of the text
    shown.textContent = this.text;
    return shown;
  }
}

const ghostField = StateField.define<Ghost | null>({
  create: () => null,
  update(ghost, transaction) {
    for (const effect of transaction.effects) if (effect.is(setGhost)) return effect.value;
    if (!ghost || (!transaction.docChanged && !transaction.selection)) return ghost;
    // Who types what is suggested goes on in it; whoever does anything else has no use for it.
    const head = transaction.newSelection.main.head;
    const typed = transaction.docChanged && head > ghost.at ? transaction.newDoc.sliceString(ghost.at, head) : "";
    const rest = transaction.docChanged ? typedInto(ghost.text, typed) : null;
    return rest ? { at: head, text: rest } : null;
  },
  provide: (field) =>
    EditorView.decorations.from(field, (ghost): DecorationSet => {
      if (!ghost) return Decoration.none;
      return Decoration.set(Decoration.widget({ widget: new GhostText(ghost.text), side: 1 }).range(ghost.at));
    }),
});

export interface GhostOptions {
  /** The code that belongs at a place; rejects where another request came since. */
  ask: (text: string, at: number, signal: AbortSignal) => Promise<string>;
  /** Whether to ask by itself. */
  automatic: () => boolean;
  /** A suggestion is shown (its text), or no more (empty). */
  onShown: (text: string) => void;
  onFailed: (error: unknown) => void;
}

class Asking {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | null = null;

  constructor(
    private readonly view: EditorView,
    private readonly options: GhostOptions,
  ) {}

  update(update: ViewUpdate): void {
    const before = update.startState.field(ghostField);
    const now = update.state.field(ghostField);
    if (before !== now) this.options.onShown(now?.text ?? "");
    if (!update.docChanged && !update.selectionSet) return;
    this.stop();
    const typed = update.transactions.some((each) => each.isUserEvent("input") || each.isUserEvent("delete"));
    if (!typed || now || !this.options.automatic()) return;
    if (!worthAsking(update.state.doc.toString(), update.state.selection.main.head)) return;
    this.timer = setTimeout(() => void this.ask(), REST_MS);
  }

  /** The newest request is the one that counts; those before it are ended here and at the service. */
  async ask(): Promise<void> {
    this.stop();
    const running = (this.running = new AbortController());
    const text = this.view.state.doc.toString();
    const at = this.view.state.selection.main.head;
    try {
      const answer = await this.options.ask(text, at, running.signal);
      if (running.signal.aborted) return;
      const shown = shownSuggestion(answer, text.slice(at));
      this.view.dispatch({ effects: setGhost.of(shown === "" ? null : { at, text: shown }) });
    } catch (error) {
      if (!running.signal.aborted) this.options.onFailed(error);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  destroy(): void {
    this.stop();
  }
}

export function ghostText(options: GhostOptions): Extension {
  const asking = ViewPlugin.define((view) => new Asking(view, options));
  const take = (part: (text: string) => string) => (view: EditorView): boolean => {
    const ghost = view.state.field(ghostField);
    if (!ghost) return false;
    const taken = part(ghost.text);
    const rest = ghost.text.slice(taken.length);
    const change: TransactionSpec = {
      changes: { from: ghost.at, insert: taken },
      selection: { anchor: ghost.at + taken.length },
      effects: setGhost.of(rest === "" ? null : { at: ghost.at + taken.length, text: rest }),
      userEvent: "input.complete",
      scrollIntoView: true,
    };
    view.dispatch(change);
    return true;
  };
  const dismiss = (view: EditorView): boolean => {
    if (!view.state.field(ghostField)) return false;
    view.dispatch({ effects: setGhost.of(null) });
    return true;
  };
  const ask = (view: EditorView): boolean => {
    void view.plugin(asking)?.ask();
    return true;
  };
  return [
    ghostField,
    asking,
    Prec.highest(
      keymap.of([
        // Tab is taken only while there is something to take: else it leads out of the editor, as everywhere.
        { key: "Tab", run: take((text) => text) },
        { key: "Mod-ArrowRight", run: take(firstWord) },
        { key: "Escape", run: dismiss },
        { key: "Alt-\\", run: ask },
      ]),
    ),
  ];
}
