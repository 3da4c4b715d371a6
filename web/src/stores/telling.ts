// Word of long work that has ended, while somebody looks elsewhere: a notification of the browser's. Nobody is asked for
// permission before they want to be told.
import { api } from "./client";
import { loadBoot, session } from "./session.svelte";

// What took less is not worth one.
const LONG_MS = 10_000;

export interface Word {
  title: string;
  body: string;
  /** Of several with one tag the last one is shown. */
  tag: string;
  /** Where it leads. */
  url: string;
}

const could = () => "Notification" in globalThis && isSecureContext;

/** Whether somebody may still be asked. */
export function mayAsk(): boolean {
  return could() && Notification.permission !== "denied" && !wanted();
}

function wanted(): boolean {
  return could() && Notification.permission === "granted" && (session.boot?.me.preferences.notifications ?? false);
}

/** Asks the browser, and keeps that it is wanted. Whether they will be told; rejects with `ApiError`. */
export async function askToTell(): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") return false;
  await api.patch("/api/v1/users/me/preferences", { body: { notifications: true } });
  await loadBoot();
  return true;
}

/** Tells of what has ended, if it took long, nobody looks, and it is wanted. */
export async function tell(word: Word, startedMs: number, nowMs = Date.now()): Promise<void> {
  if (!document.hidden || nowMs - startedMs < LONG_MS || !wanted()) return;
  const { title, body, tag, url } = word;
  // Without a worker that may show one (a page that was never loaded anew) the page does it itself.
  const worker = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  if (worker) await worker.showNotification(title, { body, tag, data: { url } });
  else new Notification(title, { body, tag });
}
