/** Does what nobody waits for once the browser has nothing better to do, or soon. */
export function idle(work: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: 1000 });
  else setTimeout(work, 200);
}
