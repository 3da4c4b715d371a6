// The service worker: the portal opens without a network, and a notification leads to what it tells of.
// It keeps the page and its files, which hold nothing of anybody's; of the API it keeps nothing, and never answers for it.
// What another app shares waits here until the page takes it, which it does at once (stores/chat/shared.ts).

// Files have their content's hash in their name, and so they never change; those of older versions go when there are too many.
const FILES = "potluck-files-1";
const MOST_FILES = 200;
const SHARED = "potluck-shared-1";
// As many as go with a message (lib/chat/files.ts).
const MOST_SHARED = 10;
const SHELL = "/";
// A page that takes longer is shown from what is kept: the next one is fresh.
const PATIENCE_MS = 4000;
const VIEWS = /^\/(chat|code|images|nodes|admin|settings)?(\/|$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => cache.add(new Request(SHELL, { cache: "reload", headers: { accept: "text/html" } }))));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const others = caches.keys().then((names) => Promise.all(names.filter((name) => name !== FILES && name !== SHARED).map((name) => caches.delete(name))));
  event.waitUntil(Promise.all([others, self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && request.mode === "navigate" && url.pathname === "/chat") return event.respondWith(shared(request));
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && VIEWS.test(url.pathname)) event.respondWith(page(request));
  else if (url.pathname.startsWith("/assets/") || url.pathname.startsWith("/icons/") || url.pathname === "/theme.js") event.respondWith(file(request));
});

/** The page from the service, or the one that is kept: every view is the same page. */
async function page(request) {
  const cache = await caches.open(FILES);
  const kept = await cache.match(SHELL);
  const asked = fetch(request).then((answer) => {
    // Where the service says something else, such as an error, that is shown, and not kept.
    if (answer.ok && !answer.redirected && answer.type === "basic") void cache.put(SHELL, answer.clone());
    return answer;
  });
  if (!kept) return asked;
  asked.catch(() => undefined);
  const tooLong = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
  return Promise.race([asked, tooLong]).catch(() => kept);
}

/** The manifest's share_target: texts go into the address, files beside it. */
async function shared(request) {
  const form = await request.formData();
  const texts = ["title", "text", "url"].map((name) => [name, form.get(name)]).filter(([, value]) => typeof value === "string" && value !== "");
  const files = form.getAll("files").filter((each) => typeof each !== "string" && each.size > 0).slice(0, MOST_SHARED);
  await caches.delete(SHARED);
  const cache = await caches.open(SHARED);
  const put = (each, at) => cache.put(`/shared/${at}`, new Response(each, { headers: { "content-type": each.type, "x-name": encodeURIComponent(each.name) } }));
  await Promise.all(files.map(put));
  const query = new URLSearchParams(texts);
  if (files.length > 0) query.set("files", String(files.length));
  return Response.redirect(`/chat?${query}`, 303);
}

async function file(request) {
  const cache = await caches.open(FILES);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const names = await cache.keys();
    const spare = names.filter((each) => new URL(each.url).pathname !== SHELL).slice(0, Math.max(0, names.length - MOST_FILES));
    await Promise.all(spare.map((each) => cache.delete(each)));
  }
  return answer;
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", location.origin);
  if (url.origin !== location.origin) return;
  event.waitUntil(shown(url.href));
});

/** In the window that shows it already, in another one of ours, or in a new one. */
async function shown(href) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const window = windows.find((each) => each.url === href) ?? windows[0];
  if (!window) return self.clients.openWindow(href);
  if (window.url !== href) await window.navigate(href).catch(() => undefined);
  return window.focus();
}
