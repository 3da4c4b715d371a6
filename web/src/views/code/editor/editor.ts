// The editor, put together: CodeMirror in a shadow root, with ghost text and a way to compare and take over a proposal.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { acceptChunk, getChunks, rejectChunk, unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";

import { ghostText, type GhostOptions } from "./ghost";
import { editorLanguage, loadEditorLanguage } from "./languages";
import { look } from "./look";

export interface Selected {
  from: number;
  to: number;
  text: string;
}

export interface EditorOptions extends GhostOptions {
  text: string;
  /** Its name for screen readers. */
  label: string;
  onChange: (text: string) => void;
  onSelect: (selected: Selected) => void;
  /** What the buttons beside each change say. */
  words: { accept: string; reject: string };
  /** Whether a proposal is being compared. */
  onComparing: (open: boolean) => void;
}

export class Editor {
  private readonly view: EditorView;
  private readonly language = new Compartment();
  private readonly compared = new Compartment();
  private asked = "";

  constructor(host: HTMLElement, private readonly options: EditorOptions) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const state = EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(),
        highlightSelectionMatches(), indentUnit.of("    "), EditorView.lineWrapping, look(), ghostText(options),
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocapitalize: "off" }),
        this.language.of([]), this.compared.of([]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
          if (update.docChanged || update.selectionSet) options.onSelect(this.selected());
          if (this.comparing && getChunks(update.state)?.chunks.length === 0) this.endComparing();
        }),
      ],
    });
    this.view = new EditorView({ state, parent: root as unknown as HTMLElement, root });
  }

  private comparing = false;

  text(): string {
    return this.view.state.doc.toString();
  }

  selected(): Selected {
    const { from, to } = this.view.state.selection.main;
    return { from, to, text: this.view.state.sliceDoc(from, to) };
  }

  show(text: string): void {
    if (text === this.text()) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  async speak(word: string): Promise<void> {
    this.asked = word;
    const extension = await loadEditorLanguage(editorLanguage(word)).catch(() => []);
    if (this.asked === word) this.view.dispatch({ effects: this.language.reconfigure(extension) });
  }

  /** Shows what would change beside what there is; each change is taken or left by itself. */
  compare(proposed: string): void {
    const original = this.text();
    if (proposed === original) return;
    this.endComparing();
    this.view.dispatch({
      changes: { from: 0, to: this.view.state.doc.length, insert: proposed },
      effects: this.compared.reconfigure(unifiedMergeView({ original, mergeControls: (kind, action) => this.button(kind, action), gutter: true })),
    });
    this.comparing = true;
    this.options.onComparing(true);
    this.view.focus();
  }

  /** Take all changes that are left, or none of them. */
  settle(taken: boolean): void {
    for (let chunks = getChunks(this.view.state)?.chunks; chunks && chunks.length > 0; chunks = getChunks(this.view.state)?.chunks) {
      const at = chunks[0]?.fromB ?? 0;
      if (!(taken ? acceptChunk(this.view, at) : rejectChunk(this.view, at))) break;
    }
    this.endComparing();
  }

  private button(kind: "accept" | "reject", action: (event: MouseEvent) => void): HTMLElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "change";
    button.textContent = this.options.words[kind];
    button.onclick = action;
    return button;
  }

  private endComparing(): void {
    if (!this.comparing) return;
    this.comparing = false;
    // Not within an update of the view: it may be one that brought us here.
    queueMicrotask(() => this.view.dispatch({ effects: this.compared.reconfigure([]) }));
    this.options.onComparing(false);
  }

  replace(from: number, to: number, text: string): string {
    const doc = this.text();
    return doc.slice(0, from) + text + doc.slice(to);
  }

  focus(): void {
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
  }
}
