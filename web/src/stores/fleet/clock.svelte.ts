// The time that views show "3 minutes ago" by: the service's, moved on now and then while somebody looks.
import { session } from "../session.svelte";

const EVERY_MS = 15_000;

let now = $state.raw(new Date());
let users = 0;
let timer = 0;

/** The service's time. Components that show it call `keepTime` in an $effect. */
export function serviceNow(): Date {
  return now;
}

export function keepTime(): () => void {
  const tick = () => (now = new Date(Date.now() + session.aheadMs));
  if (users++ === 0) timer = window.setInterval(tick, EVERY_MS);
  tick();
  return () => {
    if (--users === 0) clearInterval(timer);
  };
}
