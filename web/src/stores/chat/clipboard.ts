// Copying, and saying so where the browser does not let it be done.
import { copyText } from "../../components/message/actions";
import { t } from "../../i18n/index.svelte";
import { notify } from "../status.svelte";

export async function copy(text: string): Promise<boolean> {
  const done = await copyText(text);
  if (!done) notify(t("chat.copy-failed"), "bad");
  return done;
}
