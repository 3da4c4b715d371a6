// @vitest-environment happy-dom
// Temporary chats in the room, over a service that is played.
import "fake-indexeddb/auto";

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Enclosed } from "../../lib/chat/ask";
import { outbox } from "./outbox.svelte";
import { room } from "./room.svelte";

const settled = () => new Promise((resolve) => setTimeout(resolve, 10));
const TEMPORARY = "temporary-1";
const THREAD = { id: TEMPORARY, title: "Hi", model: "m", message_count: 0, created_at: "", updated_at: "", messages: [], roots: [], temporary: true };

let asked: { method: string; path: string; body: FormData | Record<string, unknown> | null }[];
let stop: () => void;

beforeEach(async () => {
  asked = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : init.body instanceof FormData ? init.body : null;
    const path = new URL(url, "http://potluck.test").pathname;
    asked.push({ method: init.method ?? "", path, body });
    if (path === "/api/v1/files") return Response.json({ id: "f1" });
    if (path === "/api/v1/chat") return new Response(new ReadableStream(), { headers: { "x-potluck-generation": "m1", "x-potluck-conversation": TEMPORARY } });
    return Response.json(THREAD);
  });
  stop = outbox.start(crypto.randomUUID());
  room.open("other");
  await settled();
  room.open("");
  asked = [];
});
afterEach(() => {
  stop();
  outbox.letters = [];
  outbox.sent = [];
  vi.unstubAllGlobals();
});

async function said(enclosed: readonly Enclosed[] = []): Promise<void> {
  room.temporary = true;
  room.draft.text = "Hi";
  room.draft.enclosed = enclosed;
  room.send();
  await settled();
}

it("is asked for as one that is kept nowhere, and forgotten when it is left", async () => {
  await said();
  expect(asked).toMatchObject([{ method: "POST", path: "/api/v1/chat", body: { message: "Hi", temporary: true } }]);
  expect(room.thread.chat).toBe(TEMPORARY);
  room.open("other");
  expect(room.temporary).toBe(false);
  expect(asked).toContainEqual({ method: "DELETE", path: `/api/v1/conversations/${TEMPORARY}`, body: null });
});

it("is still one after a reload, which is no leaving", async () => {
  await said();
  dispatchEvent(new Event("pagehide"));
  expect(asked.some((each) => each.method === "DELETE")).toBe(false);
  room.open(TEMPORARY);
  await settled();
  expect(room.temporary).toBe(true);
});

it("names no conversation twice: what follows goes to the one that it has", async () => {
  await said();
  outbox.sent = [];
  room.draft.text = "And?";
  room.send();
  await settled();
  expect(asked.at(-1)?.body).toMatchObject({ message: "And?", conversation: TEMPORARY });
  expect(asked.at(-1)?.body).not.toHaveProperty("temporary");
});

it("has files that are gone after an evening", async () => {
  await said([{ name: "a.txt", mediaType: "text/plain", bytes: 1, url: "", blob: new Blob(["a"]), file: "" }]);
  expect((asked[0]?.body as FormData).get("expires_in")).toBe("14400");
});
