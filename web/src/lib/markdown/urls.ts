/** Which addresses in an answer may be followed or shown. Anything not named here is text. */

import type { ImageSource } from "./nodes";

const FOLLOWED: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

/** Bytes of base64 that one image inside an answer may have. */
const DATA_LIMIT = 4_000_000;

const DATA_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

const HOST_AND_PATH = /^https?:\/\/[^\s]/i;

/**
 * The address to link to, or undefined where it must not be followed: no scheme of ours, a name or a password in it
 * (`https://bank.example@evil.example`), or this portal itself (`own`), where a click would be a request in the reader's name.
 */
export function safeHref(raw: string, own: string | null = null): string | undefined {
  const url = parsed(raw);
  if (url === undefined || !FOLLOWED.has(url.protocol)) return undefined;
  if (url.protocol === "mailto:") return url.href;
  if (!HOST_AND_PATH.test(raw.trim()) || url.username !== "" || url.password !== "" || url.origin === own) return undefined;
  return url.href;
}

/** Where an image comes from. SVG is not among the kinds: it is a document, not a picture. */
export function imageSource(raw: string, own: string | null = null): ImageSource {
  if (raw.startsWith("data:")) {
    return raw.length <= DATA_LIMIT && DATA_IMAGE.test(raw) ? { kind: "data", url: raw } : { kind: "refused" };
  }
  const href = safeHref(raw, own);
  if (href === undefined || href.startsWith("mailto:")) return { kind: "refused" };
  return { kind: "foreign", url: href, host: new URL(href).host };
}

function parsed(raw: string): URL | undefined {
  return URL.canParse(raw) ? new URL(raw) : undefined;
}
