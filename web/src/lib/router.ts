// Paths of the portal, both ways. Pure: `stores/location.svelte.ts` holds where we are.

export type View = "home" | "chat" | "code" | "images" | "nodes" | "admin" | "settings" | "share" | "lost";

export interface Place {
  view: View;
  /** What follows the view: a chat's, picture's or node's id, or the page of code, admin and settings; empty without. */
  id: string;
  query: URLSearchParams;
  hash: string;
}

// What may follow each is its own to know.
const VIEWS: ReadonlySet<string> = new Set<Exclude<View, "home" | "lost">>(["chat", "code", "images", "nodes", "admin", "settings", "share"]);

/** Where an address leads; the view "lost" for one that the portal does not have. */
export function placeOf(url: URL): Place {
  const rest = { query: url.searchParams, hash: url.hash.slice(1) };
  const [first = "", ...more] = url.pathname.replace(/^\/+|\/+$/g, "").split("/");
  if (first === "") return { view: "home", id: "", ...rest };
  if (!VIEWS.has(first)) return { view: "lost", id: "", ...rest };
  const view = first as View;
  const id = decoded(more[0] ?? "");
  if (id === null || more.length > 1) return { view: "lost", id: "", ...rest };
  return { view, id, ...rest };
}

/** The address of a view, of one thing in it, and what to look for. */
export function pathOf(view: Exclude<View, "lost">, id = "", query: Readonly<Record<string, string>> = {}): string {
  const path = view === "home" ? "/" : `/${view}${id === "" ? "" : `/${encodeURIComponent(id)}`}`;
  const asked = new URLSearchParams(query).toString();
  return asked === "" ? path : `${path}?${asked}`;
}

/** Whether the portal shows an address itself, without loading a page. */
export function isOurs(url: URL, origin: string): boolean {
  return url.origin === origin && placeOf(url).view !== "lost";
}

/** Where to sign in, coming back to `url` after it. */
export function signInPath(url: URL): string {
  return `/sign-in?${new URLSearchParams({ next: url.pathname + url.search + url.hash })}`;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // a stray %
  }
}
