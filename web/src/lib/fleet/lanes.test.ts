import { expect, it } from "vitest";

import type { components } from "../api-types";
import { causesOf, lanesOf } from "./lanes";

type Incident = components["schemas"]["IncidentInfo"];
const HOUR = 3_600_000;
const at = (hours: number) => new Date(hours * HOUR).toISOString();
const incident = (node: string, since: number, until: number | null, more: Partial<Incident> = {}) =>
  ({ id: `${node}${since}`, node, since: at(since), until: until === null ? null : at(until), cause: "node_down", count: 1, ...more }) as Incident;

it("has a lane for each machine, cut at its ends, the long spans below the short ones", () => {
  const lanes = lanesOf([incident("b", 7, null), incident("a", 4, 5, { cause: "rescued", count: 3 }), incident("a", 0, 7), incident("c", 0, 1), incident("d", 11, 12)], 2 * HOUR, 10 * HOUR);
  expect(lanes.map((lane) => [lane.node, lane.spans.map((each) => [each.left, each.width])])).toEqual([["a", [[0, 0.625], [0.25, 0.125]]], ["b", [[0.625, 0.375]]]]);
  expect(causesOf(lanes)).toEqual([{ cause: "rescued", count: 3 }, { cause: "node_down", count: 2 }]);
});
