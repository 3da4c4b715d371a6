// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { type Boot, session } from "./session.svelte";
import { askToTell, mayAsk, tell } from "./telling";

const WORD = { title: "Done", body: "A fox", tag: "j1", url: "/images" };
let shown: string[];
let permission: NotificationPermission;
let patched: unknown[];

class Told {
  static get permission() { return permission; }
  static requestPermission = async () => (permission = "granted");
  constructor(title: string) { shown.push(title); }
}
const prefer = (notifications: boolean) => (session.boot = { me: { preferences: { notifications, theme: "auto", language: "en" } }, now: new Date().toISOString() } as Boot);

beforeEach(() => {
  shown = [];
  patched = [];
  permission = "granted";
  prefer(true);
  vi.stubGlobal("Notification", Told);
  vi.stubGlobal("isSecureContext", true);
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (init.method === "PATCH") patched.push(JSON.parse(init.body as string));
    prefer(patched.length > 0);
    return Response.json(url.endsWith("boot") ? session.boot : {});
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  session.boot = null;
});

it("tells of long work to who looks elsewhere", async () => {
  await tell(WORD, 0, 10_000);
  expect(shown).toEqual(["Done"]);
});

it("says nothing of short work, to who looks on, and to who does not want it", async () => {
  await tell(WORD, 0, 9_999);
  prefer(false);
  await tell(WORD, 0, 20_000);
  prefer(true);
  vi.spyOn(document, "hidden", "get").mockReturnValue(false);
  await tell(WORD, 0, 20_000);
  expect(shown).toEqual([]);
});

it("asks only who wants it, and keeps the answer", async () => {
  permission = "default";
  prefer(false);
  expect(mayAsk()).toBe(true);
  expect(await askToTell()).toBe(true);
  expect([patched, mayAsk()]).toEqual([[{ notifications: true }], false]);
  permission = "denied";
  prefer(false);
  expect(mayAsk()).toBe(false);
});
