// What another app shares with this one: the manifest's share_target names these three. Pure.

/** The text to write a message with; empty where nothing is shared. */
export function sharedText(query: URLSearchParams): string {
  const parts = ["title", "text", "url"].map((name) => (query.get(name) ?? "").trim()).filter((each) => each !== "");
  // Many apps put the link into the text, too.
  return parts.filter((each, at) => !parts.some((other, place) => place !== at && other.includes(each) && (other !== each || place < at))).join("\n");
}
