// Where we are: the address bar as state.
import { tick } from "svelte";

import { isOurs, pathOf, type Place, placeOf } from "../lib/router";

let place = $state.raw<Place>(placeOf(new URL("http://localhost/")));

/** The place that is shown. */
export function here(): Place {
  return place;
}

export interface Going {
  /** Puts the address in place of the present one: nothing to go back to. */
  replace?: boolean;
  /** Leaves focus and scrolling alone, as for a change within a view. */
  quiet?: boolean;
}

/** Goes to an address of the portal (`pathOf`); any other is loaded as a page. */
export async function go(path: string, { replace = false, quiet = false }: Going = {}): Promise<void> {
  const url = new URL(path, location.href);
  if (!isOurs(url, location.origin)) return location.assign(url);
  const before = place;
  if (url.href !== location.href) history[replace ? "replaceState" : "pushState"](null, "", url);
  place = placeOf(url);
  if (quiet || before.view === place.view) return;
  await tick();
  window.scrollTo(0, 0);
  // A screen reader goes on at the new view's beginning, and Tab too.
  document.getElementById("content")?.focus({ preventScroll: true });
}

/** Follows the address bar and the links of the page. Returns how to stop. */
export function watchLocation(): () => void {
  const look = () => (place = placeOf(new URL(location.href)));
  const click = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (!isOurs(url, location.origin)) return;
    if (url.hash !== "" && url.pathname === location.pathname && url.search === location.search) return;
    event.preventDefault();
    void go(url.href);
  };
  look();
  addEventListener("popstate", look);
  addEventListener("hashchange", look);
  document.addEventListener("click", click);
  return () => {
    removeEventListener("popstate", look);
    removeEventListener("hashchange", look);
    document.removeEventListener("click", click);
  };
}

export { pathOf };
