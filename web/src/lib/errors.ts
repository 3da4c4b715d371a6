// What went wrong, as views show it: a sentence, what to do, and the field it is about.

export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    /** For programs: the `type` of the API's error, or "offline", "unreadable". */
    readonly type: string,
    message: string,
    readonly hint = "",
    /** The field of the request that is wrong, dotted; empty where none is named. */
    readonly param = "",
    /** Seconds to wait before another try; null where nothing says so. */
    readonly retryAfterS: number | null = null,
    readonly requestId = "",
    /** The conversation that keeps what was asked, where one does. */
    readonly conversation = "",
  ) {
    super(message);
  }

  /** Whether the same request may well succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

interface Told {
  type?: unknown;
  message?: unknown;
  hint?: unknown;
  param?: unknown;
  request_id?: unknown;
  conversation?: unknown;
}

/** The error that an answer tells of; `body` is its JSON, or anything else. */
export function errorOf(status: number, body: unknown, retryAfter: string | null): ApiError {
  const told = field(body, "error") as Told | null;
  const seconds = retryAfter === null ? NaN : Number(retryAfter);
  return new ApiError(
    status,
    words(told?.type) || "unreadable",
    words(told?.message) || `The service answered ${status}.`,
    words(told?.hint),
    words(told?.param),
    Number.isFinite(seconds) ? seconds : null,
    words(told?.request_id),
    words(told?.conversation),
  );
}

/** Anything that was thrown, as an error to show. */
export function shownError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, "bug", thrown instanceof Error ? thrown.message : String(thrown));
}

function field(value: unknown, name: string): unknown {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : null;
  return typeof found === "object" ? found : null;
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}
