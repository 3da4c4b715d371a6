// Which commands fit what was typed, the best first.

/** Every word must be found; a title that begins with the first word, or one of whose words does, comes first. */
export function found<Item extends { title: string }>(items: readonly Item[], typed: string): Item[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const first = words[0];
  if (first === undefined) return [...items];
  return items
    .map((item) => ({ item, title: item.title.toLowerCase() }))
    .filter(({ title }) => words.every((word) => title.includes(word)))
    .map(({ item, title }) => ({ item, rank: title.startsWith(first) ? 0 : title.includes(` ${first}`) ? 1 : 2 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
