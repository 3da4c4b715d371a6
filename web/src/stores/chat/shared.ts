// Files that another app shares: the service worker has put them aside (public/sw.js), and they are taken once.

const SHARED = "potluck-shared-1";

/** What waits there; nothing where nothing is shared, or the browser keeps nothing. */
export async function takeShared(): Promise<File[]> {
  if (typeof caches === "undefined") return [];
  const cache = await caches.open(SHARED);
  const found = await Promise.all((await cache.keys()).map((each) => cache.match(each)));
  const files = await Promise.all(found.filter((each) => each !== undefined).map(fileOf));
  await caches.delete(SHARED);
  return files;
}

async function fileOf(answer: Response): Promise<File> {
  const blob = await answer.blob();
  return new File([blob], decodeURIComponent(answer.headers.get("x-name") ?? ""), { type: answer.headers.get("content-type") ?? blob.type });
}
