// Deleting a conversation, with a way back for as long as the notice stands.
import { t } from "../../i18n/index.svelte";
import { pathOf } from "../../lib/router";
import { go } from "../location.svelte";
import { notify } from "../status.svelte";
import { conversations, type Entry } from "./conversations.svelte";
import { room } from "./room.svelte";

// As long as a notice with a button is shown.
const UNDO_MS = 10_000;

export function removeWithUndo(entry: Entry): void {
  conversations.hide(entry.id);
  if (room.thread.chat === entry.id) void go(pathOf("chat"));
  let done = false;
  const remove = () => {
    if (done) return;
    done = true;
    removeEventListener("pagehide", remove);
    conversations.remove(entry.id).catch(() => {
      conversations.put(entry);
      notify(t("chat.delete-failed", { title: entry.title }), "bad");
    });
  };
  const timer = setTimeout(remove, UNDO_MS);
  // Who leaves the page has meant it.
  addEventListener("pagehide", remove);
  notify(t("chat.deleted", { title: entry.title }), "plain", {
    label: t("common.undo"),
    run: () => {
      done = true;
      clearTimeout(timer);
      removeEventListener("pagehide", remove);
      conversations.put(entry);
    },
  });
}
