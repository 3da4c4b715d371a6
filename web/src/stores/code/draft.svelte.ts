// The code in the editor, kept in this browser: a reload loses nothing, and answers can be opened in it from anywhere.
const KEPT_AS = "potluck.code";
const KEEP_AFTER_MS = 400;
/** What a browser keeps of one site is small; longer code lives as long as the page. */
const KEPT_CHARACTERS = 1_000_000;

export interface Draft {
  text: string;
  language: string;
}

class CodeDraft {
  current = $state.raw<Draft>(read());
  /** Grows when the text comes from elsewhere than the editor, which then shows it. */
  opened = $state(0);
  /** What would take the text's place, to be compared with it; null where nothing is proposed. */
  proposed = $state.raw<string | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** What the editor says. */
  say(text: string): void {
    this.current = { ...this.current, text };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => keep(this.current), KEEP_AFTER_MS);
  }

  speak(language: string): void {
    this.current = { ...this.current, language };
    keep(this.current);
  }

  /** Proposes a change: the editor shows both when it is there. */
  propose(text: string): void {
    this.proposed = text;
  }

  /** Shows other code in the editor. */
  open(text: string, language: string): void {
    this.current = { text, language: language || this.current.language };
    this.opened += 1;
    keep(this.current);
  }
}

function read(): Draft {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? "null");
    if (typeof kept === "object" && kept !== null && "text" in kept && "language" in kept) {
      return { text: String(kept.text), language: String(kept.language) };
    }
  } catch {
    // Storage is off, or holds something else: the editor begins empty.
  }
  return { text: "", language: "python" };
}

function keep(draft: Draft): void {
  if (draft.text.length > KEPT_CHARACTERS) return;
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(draft));
  } catch {
    // Full or off: it holds for this page.
  }
}

export const draft = new CodeDraft();
