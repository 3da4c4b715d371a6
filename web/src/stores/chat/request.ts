// A letter as the request that the chat's route takes, and the files that go with it.
import type { Schema } from "../../lib/api";
import { type Enclosed, toldOf } from "../../lib/chat/ask";
import { isLocal, type Letter } from "../../lib/chat/outbox";
import { api } from "../client";

type Body = Schema<"ChatRequest">;
// A temporary chat outlives its last message by an hour; this is an evening of one.
const TEMPORARY_FILE_S = 4 * 3600;

export function bodyOf(letter: Letter): Body {
  const { ask } = letter;
  const body: Body = { message: ask.kind === "say" ? ask.text : "", stream: true, model: ask.model };
  if (!isLocal(letter.chat)) body.conversation = letter.chat;
  else if (ask.temporary) body.temporary = true;
  if (ask.kind === "again") body.regenerate = ask.message;
  else if (ask.kind === "go-on") body.continue = ask.message;
  else if (!isLocal(letter.chat)) body.parent = ask.after;
  if (ask.kind === "say" && ask.enclosed.length > 0) body.attachments = ask.enclosed.map((each) => each.file);
  if (ask.node) body.node = ask.node;
  if (ask.system) body.system = ask.system;
  Object.assign(body, toldOf(ask.params));
  return body;
}

/** The letter with its files at the service, each sent once: tried again it names the same ones. */
export async function uploaded(letter: Letter): Promise<Letter> {
  const { ask } = letter;
  if (ask.kind !== "say" || ask.enclosed.every((each) => each.file !== "")) return letter;
  return { ...letter, ask: { ...ask, enclosed: await Promise.all(ask.enclosed.map((each) => upload(each, ask.temporary ?? false))) } };
}

async function upload(enclosed: Enclosed, temporary: boolean): Promise<Enclosed> {
  if (enclosed.file !== "" || !enclosed.blob) return enclosed;
  const form = new FormData();
  if (temporary) form.append("expires_in", String(TEMPORARY_FILE_S));
  form.append("file", new Blob([enclosed.blob], { type: enclosed.mediaType }), enclosed.name);
  const answer = await api.raw("POST", "/api/v1/files", { body: form });
  const { id } = (await answer.json()) as Schema<"FileInfo">;
  return { ...enclosed, file: id, url: `/api/v1/files/${encodeURIComponent(id)}/content`, blob: null };
}
