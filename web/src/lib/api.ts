// One typed way to the API. Types come from its OpenAPI document (`api-types.ts`), never by hand.
// The cookie goes along by itself; the service refuses changes from other origins (docs/decisions/0007), so nothing
// else is needed against forgery.
import type { components, paths } from "./api-types";
import { ApiError, errorOf } from "./errors";

export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
type Method = "get" | "post" | "put" | "patch" | "delete";
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Operation<M extends Method, P extends keyof paths> = paths[P][M];
type Json<Content> = Content extends { content: { "application/json": infer Body } } ? Body : undefined;
/** What a successful call answers with. */
export type Answer<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;
type Body<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { requestBody?: infer R } ? Json<NonNullable<R>> : undefined;
type Query<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : undefined;
type InPath<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { parameters: { path: infer I extends object } } ? I : undefined;

interface Common {
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Sent even while the page is being left. */
  keepalive?: boolean;
}
export type Ask<M extends Method, P extends keyof paths> = Common &
  ([InPath<M, P>] extends [undefined] ? { path?: undefined } : { path: InPath<M, P> }) &
  ([Query<M, P>] extends [undefined] ? { query?: undefined } : { query?: Query<M, P> }) &
  (Operation<M, P> extends { requestBody: object } ? { body: Body<M, P> } : { body?: Body<M, P> });
/** Only what has neither names in its path nor a body that must be there can be asked without more. */
type Asking<M extends Method, P extends keyof paths> =
  P extends unknown
    ? Operation<M, P> extends { parameters: { path: object } } | { requestBody: object }
      ? [ask: Ask<M, P>]
      : [ask?: Ask<M, P>]
    : never;

export interface Loose extends Common {
  path?: object | undefined;
  query?: object | undefined;
  body?: unknown;
}

export class Api {
  constructor(
    private readonly fetched: typeof fetch,
    /** Called once where an answer says that nobody is signed in. */
    private readonly onSignedOut: () => void = () => undefined,
  ) {}

  get<P extends PathsWith<"get">>(path: P, ...ask: Asking<"get", P>): Promise<Answer<"get", P>> {
    return this.ask("get", path, ask[0] as Loose | undefined);
  }
  post<P extends PathsWith<"post">>(path: P, ...ask: Asking<"post", P>): Promise<Answer<"post", P>> {
    return this.ask("post", path, ask[0] as Loose | undefined);
  }
  put<P extends PathsWith<"put">>(path: P, ...ask: Asking<"put", P>): Promise<Answer<"put", P>> {
    return this.ask("put", path, ask[0] as Loose | undefined);
  }
  patch<P extends PathsWith<"patch">>(path: P, ...ask: Asking<"patch", P>): Promise<Answer<"patch", P>> {
    return this.ask("patch", path, ask[0] as Loose | undefined);
  }
  delete<P extends PathsWith<"delete">>(path: P, ...ask: Asking<"delete", P>): Promise<Answer<"delete", P>> {
    return this.ask("delete", path, ask[0] as Loose | undefined);
  }

  /** A call that the document does not describe, or whose answer is not JSON. Raises `ApiError`. */
  async raw(method: string, url: string, init: RequestInit = {}): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.fetched(url, { ...init, method: method.toUpperCase() });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ApiError(0, "offline", "Potluck cannot be reached.");
    }
    if (answer.ok) return answer;
    const body: unknown = await answer.json().catch(() => null);
    const failed = errorOf(answer.status, body, answer.headers.get("retry-after"));
    if (failed.type === "unauthenticated") this.onSignedOut();
    throw failed;
  }

  private async ask<T>(method: Method, path: string, ask: Loose = {}): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json", ...ask.headers };
    const init: RequestInit = { headers };
    if (ask.signal) init.signal = ask.signal;
    if (ask.keepalive) init.keepalive = true;
    if (ask.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(ask.body);
    }
    const answer = await this.raw(method, urlOf(path, ask.path, ask.query), init);
    if (answer.status === 204) return undefined as T;
    try {
      return (await answer.json()) as T;
    } catch {
      throw new ApiError(answer.status, "unreadable", "The service's answer could not be read.");
    }
  }
}

/** The address of a call: `{names}` of its path filled in, and what it asks for. */
export function urlOf(path: string, inPath: object = {}, query: object = {}): string {
  const values = new Map(Object.entries(inPath));
  // Names of models hold slashes, which stay: the routes that take them match across.
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values.get(name) ?? "")).replaceAll("%2F", "/").replaceAll("%3A", ":"),
  );
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query) as [string, unknown][]) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) asked.append(name, String(each));
    }
  }
  return asked.size === 0 ? filled : `${filled}?${asked}`;
}
