// Who is here and what the portal starts with: one request (`/api/v1/boot`), which the page's head has begun already.
import { type Schema } from "../lib/api";
import { ApiError, shownError } from "../lib/errors";
import { preferred, speak } from "../i18n/index.svelte";
import { api } from "./client";
import { setTheme } from "./theme.svelte";

export type Boot = Schema<"BootReply">;

/** As `core.people.Right` names them. */
export type Right =
  | "look" | "infer" | "converse" | "keep_files" | "run_jobs" | "own_keys" | "own_account"
  | "see_fleet" | "see_all" | "change_fleet" | "manage_people" | "audit";

class Session {
  /** Null until it is there, and on shared pages where nobody is signed in. */
  boot = $state.raw<Boot | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** What the service's clock is ahead of the browser's, in milliseconds. */
  aheadMs = 0;

  may(right: Right): boolean {
    return this.boot?.me.rights.includes(right) ?? false;
  }
}

export const session = new Session();

/** Loads it, and again where it failed or much has changed. Never rejects. */
export async function loadBoot(): Promise<void> {
  try {
    const boot = await api.get("/api/v1/boot");
    session.aheadMs = Date.parse(boot.now) - Date.now();
    session.boot = boot;
    session.error = null;
    await prefer(boot.me.preferences);
  } catch (error) {
    session.error = shownError(error);
  }
}

/** What somebody chose on another device holds here too. */
async function prefer(wanted: Boot["me"]["preferences"]): Promise<void> {
  if (wanted.theme !== "auto") setTheme(wanted.theme);
  await speak(preferred(wanted.language, navigator.languages));
}

export async function signOut(): Promise<void> {
  await api.delete("/api/v1/sessions/{session}", { path: { session: "current" } }).catch(() => undefined);
  location.assign("/sign-in");
}
