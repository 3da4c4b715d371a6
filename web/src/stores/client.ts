// The API as the portal calls it. Who is not signed in any more signs in and comes back to where they were.
import { Api } from "../lib/api";
import { placeOf, signInPath } from "../lib/router";

let leaving = false;

function toSignIn(): void {
  const here = new URL(location.href);
  // A shared conversation is for everybody; its view says itself what it may not show.
  if (leaving || placeOf(here).view === "share") return;
  leaving = true;
  location.assign(signInPath(here));
}

export const api = new Api((input, init) => fetch(input, init), toSignIn);
