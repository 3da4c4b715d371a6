// The list of conversations in groups by age, as people look for them. Pure; `now` is an argument.

export type Group = "pinned" | "today" | "yesterday" | "week" | "month" | "earlier";
const ORDER: readonly Group[] = ["pinned", "today", "yesterday", "week", "month", "earlier"];

export interface Listed {
  id: string;
  updatedMs: number;
  pinned: boolean;
}

/** Groups that have something in them, newest first; each conversation stands in one. */
export function grouped<Item extends Listed>(items: readonly Item[], now: Date): { group: Group; items: Item[] }[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const found = new Map<Group, Item[]>();
  for (const each of [...items].sort((a, b) => b.updatedMs - a.updatedMs)) {
    const group = each.pinned ? "pinned" : groupOf(each.updatedMs, today);
    const list = found.get(group);
    if (list) list.push(each);
    else found.set(group, [each]);
  }
  return ORDER.flatMap((group) => {
    const list = found.get(group);
    return list ? [{ group, items: list }] : [];
  });
}

function groupOf(ms: number, today: Date): Group {
  if (ms >= today.getTime()) return "today";
  if (ms >= daysBefore(today, 1)) return "yesterday";
  if (ms >= daysBefore(today, 7)) return "week";
  if (ms >= daysBefore(today, 30)) return "month";
  return "earlier";
}

// By the calendar: a day may have 23 or 25 hours.
function daysBefore(day: Date, days: number): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - days).getTime();
}
