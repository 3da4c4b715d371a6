// What went wrong in the last hours, as one lane for each machine. Pure.
import type { components } from "../api-types";

type Incident = components["schemas"]["IncidentInfo"];

export interface LaneSpan {
  incident: Incident;
  /** Shares of the lane, 0 to 1. */
  left: number;
  width: number;
}

export interface Lane {
  /** Empty for what is about no machine. */
  node: string;
  spans: LaneSpan[];
}

/** Machines by name, each with what overlaps the time; what is not over lasts until `toMs`. */
export function lanesOf(incidents: readonly Incident[], fromMs: number, toMs: number): Lane[] {
  const lanes = new Map<string, LaneSpan[]>();
  for (const incident of incidents) {
    const [since, until] = [Date.parse(incident.since), incident.until === null ? toMs : Date.parse(incident.until)];
    if (until < fromMs || since > toMs) continue;
    const left = (Math.max(since, fromMs) - fromMs) / (toMs - fromMs);
    const right = (Math.min(until, toMs) - fromMs) / (toMs - fromMs);
    lanes.set(incident.node, [...(lanes.get(incident.node) ?? []), { incident, left, width: Math.max(0, right - left) }]);
  }
  // Long ones first: what is short is drawn upon them.
  return [...lanes]
    .map(([node, spans]) => ({ node, spans: spans.sort((a, b) => b.width - a.width || a.left - b.left) }))
    .sort((a, b) => a.node.localeCompare(b.node));
}

/** How often each cause came, the most frequent first. */
export function causesOf(lanes: readonly Lane[]): { cause: Incident["cause"]; count: number }[] {
  const counts = new Map<Incident["cause"], number>();
  for (const { incident } of lanes.flatMap((each) => each.spans)) counts.set(incident.cause, (counts.get(incident.cause) ?? 0) + incident.count);
  return [...counts].map(([cause, count]) => ({ cause, count })).sort((a, b) => b.count - a.count || a.cause.localeCompare(b.cause));
}
