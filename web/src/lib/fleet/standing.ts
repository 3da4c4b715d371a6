// How a machine is, in one word, and which of them needs somebody. Pure.
import type { LiveNode } from "../live";

/** The worst first: the order of the list. `partly`: some of its engines do not answer; `failing`: calls fail there. */
export const STANDINGS = ["down", "failing", "partly", "suspect", "drill", "draining", "loading", "unknown", "busy", "up"] as const;
export type Standing = (typeof STANDINGS)[number];

/** As `StateDot` draws it. */
export const TONES = {
  down: "bad", failing: "warn", partly: "warn", suspect: "warn", drill: "idle",
  draining: "idle", loading: "busy", unknown: "unknown", busy: "busy", up: "ok",
} as const satisfies Record<Standing, string>;

/** Somebody has to look: nobody took it out on purpose, and it does not mend itself by waiting. */
const NEEDY: ReadonlySet<Standing> = new Set(["down", "failing", "partly", "suspect"]);

export function needsYou(node: LiveNode): boolean {
  return NEEDY.has(standingOf(node));
}

export function standingOf(node: LiveNode): Standing {
  if (node.drill) return "drill";
  if (node.drain || node.state === "draining") return "draining";
  if (node.state === "down") return "down";
  if (node.engines.some((each) => (each.failures ?? 0) > 0)) return "failing";
  if (node.engines.some((each) => each.state === "down")) return "partly";
  if (node.state === "up") return node.busy > 0 ? "busy" : "up";
  return node.state;
}

/** Why it is so, in the service's words; empty where nobody said, or for who may not read it. */
export function whyOf(node: LiveNode): string {
  const standing = standingOf(node);
  const troubled = node.engines.find((each) => (each.failures ?? 0) > 0) ?? node.engines.find((each) => each.state !== "up");
  return (NEEDY.has(standing) && troubled?.why) || node.why || "";
}

/** Who needs somebody comes first; then where calls wait, where there is work, and by name. */
export function ranked(nodes: readonly LiveNode[]): LiveNode[] {
  const collator = new Intl.Collator("en", { numeric: true });
  // Busy or not is no rank: rows would jump with each call.
  const rank = (node: LiveNode) => {
    const standing = standingOf(node);
    return standing === "busy" ? STANDINGS.indexOf("up") : STANDINGS.indexOf(standing);
  };
  return [...nodes].sort((a, b) => rank(a) - rank(b) || collator.compare(a.id, b.id));
}

export interface Summary {
  nodes: number;
  serving: number;
  needy: number;
  out: number;
  busy: number;
  slots: number;
  tokensPerS: number;
}

export function summaryOf(nodes: readonly LiveNode[]): Summary {
  const sum = (figure: (node: LiveNode) => number) => nodes.reduce((total, node) => total + figure(node), 0);
  const count = (holds: (standing: Standing) => boolean) => nodes.filter((node) => holds(standingOf(node))).length;
  return {
    nodes: nodes.length,
    serving: nodes.filter((node) => node.state === "up" || node.state === "suspect").length,
    needy: nodes.filter(needsYou).length,
    out: count((standing) => standing === "draining" || standing === "drill"),
    busy: sum((node) => node.busy),
    slots: sum((node) => node.slots),
    tokensPerS: sum((node) => node.tokens_per_s),
  };
}

export type Wanted = "all" | "needy" | "busy" | "out";

/** The machines that are asked for: by state, and by words found in names, engines and models in memory. */
export function filtered(nodes: readonly LiveNode[], wanted: Wanted, words: string): LiveNode[] {
  const sought = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return nodes.filter((node) => {
    const standing = standingOf(node);
    if (wanted === "needy" && !NEEDY.has(standing)) return false;
    if (wanted === "busy" && node.busy === 0 && node.waiting === 0) return false;
    if (wanted === "out" && standing !== "draining" && standing !== "drill") return false;
    if (sought.length === 0) return true;
    const told = [node.id, ...node.engines.flatMap((each) => [each.kind, each.id, ...each.held.map((held) => held.model)])];
    const text = told.join(" ").toLocaleLowerCase();
    return sought.every((word) => text.includes(word));
  });
}
