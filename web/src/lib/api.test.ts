import { describe, expect, it, vi } from "vitest";

import { Api, urlOf } from "./api";
import { ApiError, errorOf, shownError } from "./errors";

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  return vi.fn<typeof fetch>(async () => new Response(body === null ? null : JSON.stringify(body), { status, headers }));
}

describe("addresses", () => {
  it("have their names filled in, and slashes of models left alone", () => {
    expect(urlOf("/api/v1/models/{name}/load", { name: "qwen/q 3:8b" })).toBe("/api/v1/models/qwen/q%203:8b/load");
  });
  it("leave out what was not asked for", () => {
    expect(urlOf("/x", {}, { a: 1, b: undefined, c: ["y", "z"], d: null })).toBe("/x?a=1&c=y&c=z");
  });
});

describe("a call", () => {
  it("sends JSON and reads JSON", async () => {
    const fetched = answering(200, { id: "1" });
    const api = new Api(fetched);
    await api.post("/api/v1/sessions", { body: { name: "ann", password: "secret" } });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe("/api/v1/sessions");
    expect(init).toMatchObject({ method: "POST", body: '{"name":"ann","password":"secret"}' });
  });

  it("answers with nothing where there is nothing", async () => {
    await expect(new Api(answering(204, null)).delete("/api/v1/sessions/{session}", { path: { session: "current" } })).resolves.toBeUndefined();
  });

  it("raises the service's own words", async () => {
    const told = { error: { type: "rate_limited", message: "Slow down.", hint: "Wait.", param: "n", request_id: "r1" } };
    const failed = await new Api(answering(429, told, { "retry-after": "7" })).get("/api/v1/users/me").catch(shownError);
    expect(failed).toMatchObject({ status: 429, type: "rate_limited", message: "Slow down.", hint: "Wait.", param: "n" });
    expect((failed as ApiError).retryAfterS).toBe(7);
    expect((failed as ApiError).passing).toBe(true);
  });

  it("tells when nobody is signed in, and not when a code is needed", async () => {
    const out = vi.fn();
    await new Api(answering(401, { error: { type: "code_needed" } }), out).get("/api/v1/users/me").catch(() => null);
    expect(out).not.toHaveBeenCalled();
    await new Api(answering(401, { error: { type: "unauthenticated" } }), out).get("/api/v1/users/me").catch(() => null);
    expect(out).toHaveBeenCalledOnce();
  });

  it("says so when nothing answers", async () => {
    const fetched = vi.fn<typeof fetch>(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(new Api(fetched).get("/api/v1/users/me")).rejects.toMatchObject({ status: 0, type: "offline" });
  });

  it("that was given up is not told as an error of the network", async () => {
    const gone = new AbortController();
    gone.abort();
    const fetched = vi.fn<typeof fetch>(() => Promise.reject(new DOMException("", "AbortError")));
    await expect(new Api(fetched).get("/api/v1/users/me", { signal: gone.signal })).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("errors", () => {
  it.each([null, "<html>", { error: "x" }, { error: { message: 3 } }, []])("of %j have words all the same", (body) => {
    expect(errorOf(502, body, null).message).toBe("The service answered 502.");
  });
});
