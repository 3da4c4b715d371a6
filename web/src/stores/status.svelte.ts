// The one status line: what a screen reader is told politely, and a toast shows for a moment.

export interface Notice {
  id: number;
  text: string;
  tone: "plain" | "ok" | "bad";
  /** What can be done about it, as "Undo". */
  action?: { label: string; run: () => void } | undefined;
}

const SHOWN_MS = 5000;
const WITH_ACTION_MS = 10_000;
const MOST = 3;

let notices = $state.raw<readonly Notice[]>([]);
let said = $state("");
let next = 1;

export function shownNotices(): readonly Notice[] {
  return notices;
}

/** What the live region says now. */
export function spokenStatus(): string {
  return said;
}

/** Says something to screen readers alone: "Answering…", "Done, 214 words". */
export function announce(text: string): void {
  said = text;
}

/** Shows something for a moment, and says it. */
export function notify(text: string, tone: Notice["tone"] = "plain", action?: Notice["action"]): void {
  const notice: Notice = { id: next++, text, tone, action };
  notices = [...notices, notice].slice(-MOST);
  said = text;
  setTimeout(() => dismiss(notice.id), action ? WITH_ACTION_MS : SHOWN_MS);
}

export function dismiss(id: number): void {
  notices = notices.filter((each) => each.id !== id);
}
