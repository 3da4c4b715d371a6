// Files on their way into a message: checked, and pictures made as small as models look at them.
import { language, t } from "../../i18n/index.svelte";
import type { Enclosed } from "../../lib/chat/ask";
import { fitted, kindOf, MOST_BYTES, MOST_FILES, mustRedraw, refusal } from "../../lib/chat/files";
import { bytes } from "../../lib/format";
import { notify } from "../status.svelte";
import type { Draft } from "./drafts.svelte";

const JPEG_QUALITY = 0.9;

/** Adds files to a draft; what cannot go along is told of. */
export async function enclose(draft: Draft, files: readonly File[]): Promise<void> {
  for (const file of files) {
    const why = refusal(file, draft.enclosed.length);
    if (why !== null) {
      notify(t(`chat.file-${why}`, { name: file.name, n: MOST_FILES, size: bytes(MOST_BYTES, language()) }), "bad");
      continue;
    }
    draft.enclosed = [...draft.enclosed, await enclosed(file)];
    draft.changed();
  }
}

async function enclosed(file: File): Promise<Enclosed> {
  const kind = kindOf(file.name, file.type);
  const blob = kind === "image" ? await fittingPicture(file) : file;
  const mediaType = kind === "text" ? file.type || "text/plain" : blob.type || file.type;
  return { name: file.name || `${kind}.${blob.type.split("/").at(-1) ?? ""}`, mediaType, bytes: blob.size, url: "", blob, file: "" };
}

/** The picture, drawn smaller where it is larger than models look at; as it is where the browser cannot read it. */
async function fittingPicture(file: File): Promise<Blob> {
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    if (!mustRedraw(file.type, width, height)) return file;
    const size = fitted(width, height);
    const canvas = document.createElement("canvas");
    canvas.width = size.width;
    canvas.height = size.height;
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, size.width, size.height);
    bitmap.close();
    const type = file.type === "image/png" ? "image/png" : "image/jpeg";
    return await new Promise((resolve) => canvas.toBlob((made) => resolve(made ?? file), type, JPEG_QUALITY));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return file;
  }
}
