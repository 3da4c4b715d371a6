// The service worker as it is served, in a worker that is played.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, it, vi } from "vitest";

import { takeShared } from "../src/stores/chat/shared";

const SOURCE = readFileSync(join(import.meta.dirname, "../public/sw.js"), "utf-8");

class Cache {
  readonly kept = new Map<string, Response>();
  async put(key: string, value: Response) { this.kept.set(key, value); }
  async match(key: string) { return this.kept.get(key)?.clone(); }
  async keys() { return [...this.kept.keys()]; }
}
const stores = new Map<string, Cache>();
const caches = {
  open: async (name: string) => stores.get(name) ?? stores.set(name, new Cache()).get(name),
  delete: async (name: string) => stores.delete(name),
  keys: async () => [...stores.keys()],
};

type Hearer = (event: Record<string, unknown>) => void;
let hearers: Map<string, Hearer>;

beforeEach(() => {
  stores.clear();
  hearers = new Map();
  vi.stubGlobal("caches", caches);
  const self = { addEventListener: (name: string, hearer: Hearer) => hearers.set(name, hearer), skipWaiting: () => undefined, clients: { claim: () => undefined } };
  // A redirect of a worker's may name an address without a host; Node's may not.
  const answer = Object.assign(function (...args: ConstructorParameters<typeof Response>) { return new Response(...args); }, {
    redirect: (url: string, status: number) => new Response(null, { status, headers: { location: url } }),
  });
  new Function("self", "caches", "location", "Response", SOURCE)(self, caches, { origin: "http://potluck.test" }, answer);
});

async function fetched(request: object): Promise<Response | undefined> {
  let answer: Promise<Response> | undefined;
  hearers.get("fetch")?.({ request, respondWith: (given: Promise<Response>) => (answer = given) });
  return answer;
}
function sharing(fields: [string, string | File][], url = "http://potluck.test/chat", mode = "navigate") {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return { method: "POST", mode, url, formData: async () => form };
}

describe("what another app shares", () => {
  it("leads to a new chat with its text, and its files are taken once", async () => {
    const files: [string, File][] = [["files", new File(["a"], "Fröhlich & more.txt", { type: "text/plain" })], ["files", new File(["b"], "b.png", { type: "image/png" })]];
    const answer = await fetched(sharing([["title", "Look"], ["url", ""], ...files]));
    expect([answer?.status, answer?.headers.get("location")]).toEqual([303, "/chat?title=Look&files=2"]);
    const taken = await takeShared();
    expect(await Promise.all(taken.map(async (each) => [each.name, each.type, await each.text()]))).toEqual([["Fröhlich & more.txt", "text/plain", "a"], ["b.png", "image/png", "b"]]);
    expect(await takeShared()).toEqual([]);
  });

  it("is no more than goes with a message, and no older files than the last ones", async () => {
    await fetched(sharing(Array.from({ length: 12 }, (_, at) => ["files", new File(["x"], `${at}`)])));
    await fetched(sharing([["text", "Only words"], ["files", new File([], "empty")]]));
    expect(await takeShared()).toEqual([]);
    await fetched(sharing(Array.from({ length: 12 }, (_, at) => ["files", new File(["x"], `${at}`)])));
    expect((await takeShared()).length).toBe(10);
  });

  it("is nothing that another page sends to the API or from elsewhere", async () => {
    expect(await fetched(sharing([], "http://potluck.test/api/v1/chat"))).toBeUndefined();
    expect(await fetched(sharing([], "http://potluck.test/chat", "cors"))).toBeUndefined();
    expect(await fetched(sharing([], "http://elsewhere.test/chat"))).toBeUndefined();
  });
});
