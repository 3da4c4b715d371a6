// What can be done with a conversation, from the list and from its own head.
import type { MenuItem } from "../../components/Menu.svelte";
import { t } from "../../i18n/index.svelte";
import { shownError } from "../../lib/errors";
import { change } from "../../stores/chat/arranging.svelte";
import type { Entry } from "../../stores/chat/conversations.svelte";
import { removeWithUndo } from "../../stores/chat/removing";
import { notify } from "../../stores/status.svelte";

export interface Wishes {
  rename: () => void;
  folder: () => void;
  share: () => void;
}

function changed(id: string, body: Parameters<typeof change>[1]): void {
  change(id, body).catch((error: unknown) => notify(shownError(error).message, "bad"));
}

export function menuOf(entry: Entry, wishes: Wishes): MenuItem[] {
  const exported = `/api/v1/conversations/${entry.id}/export`;
  return [
    { label: t(entry.pinned ? "chat.unpin" : "chat.pin"), icon: "pin", run: () => changed(entry.id, { pinned: !entry.pinned }) },
    { label: t("chat.rename"), icon: "edit", run: wishes.rename },
    { label: t("chat.to-folder"), icon: "folder", run: wishes.folder },
    { label: t("chat.share"), icon: "share", run: wishes.share },
    { label: t("chat.export-markdown"), icon: "download", divider: true, run: () => download(`${exported}?format=markdown`) },
    { label: t("chat.export-json"), icon: "download", run: () => download(`${exported}?format=json`) },
    { label: t(entry.archived ? "chat.unarchive" : "chat.archive"), icon: "book", divider: true, run: () => changed(entry.id, { archived: !entry.archived }) },
    { label: t("common.delete"), icon: "trash", danger: true, run: () => removeWithUndo(entry) },
  ];
}

/** Saves what an address answers with. */
export function download(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}
