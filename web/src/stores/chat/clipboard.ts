import { t } from "../../i18n/index.svelte";
import { notify } from "../status.svelte";

/** Copies, and says so. Pages without a secure origin have no clipboard to write to: there the old way works. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) notify(t("chat.copy-failed"), "bad");
    return done;
  }
}
