// A letter as the request that the chat's route takes; pictures and files are read from their bytes here.
import type { Schema } from "../../lib/api";
import { type Ask, type Enclosed, toldOf } from "../../lib/chat/ask";
import { kindOf } from "../../lib/chat/files";
import { isLocal, type Letter } from "../../lib/chat/outbox";

type Body = Schema<"ChatRequest">;
type Message = NonNullable<Body["message"]>;

export async function bodyOf(letter: Letter): Promise<Body> {
  const { ask } = letter;
  const body: Body = { message: ask.kind === "say" ? await messageOf(ask) : "", stream: true, model: ask.model };
  if (!isLocal(letter.chat)) body.conversation = letter.chat;
  if (ask.kind === "again") body.regenerate = ask.message;
  else if (ask.kind === "go-on") body.continue = ask.message;
  else if (!isLocal(letter.chat)) body.parent = ask.after;
  if (ask.node) body.node = ask.node;
  if (ask.system) body.system = ask.system;
  Object.assign(body, toldOf(ask.params));
  return body;
}

async function messageOf(ask: Extract<Ask, { kind: "say" }>): Promise<Message> {
  if (ask.enclosed.length === 0) return ask.text;
  const parts = await Promise.all(ask.enclosed.map(partOf));
  return ask.text === "" ? parts : [...parts, { type: "text", text: ask.text }];
}

async function partOf(enclosed: Enclosed): Promise<Exclude<Message, string>[number]> {
  const blob = enclosed.blob ?? new Blob();
  if (kindOf(enclosed.name, enclosed.mediaType) === "image") {
    return { type: "image", data: base64(new Uint8Array(await blob.arrayBuffer())), media_type: enclosed.mediaType, url: "" };
  }
  return { type: "text", text: `${enclosed.name}:\n\n${fenced(await blob.text())}\n\n` };
}

/** In a fence that nothing within it closes. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((each) => each[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  // In pieces: as arguments of one call they would not fit on the stack.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
