// What somebody may use, between a form of texts and the API. Pure.
import type { components } from "../api-types";

export type Limits = components["schemas"]["LimitsInfo"];
export type LimitsChange = components["schemas"]["LimitsChange"];
export type Priority = NonNullable<Limits["priority"]>;

export const AMOUNTS = [
  "requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day",
  "images_per_day", "concurrent", "budget_tokens_per_day",
] as const;
export type Amount = (typeof AMOUNTS)[number];

/** The form: texts as they are typed, empty for what is not limited. */
export type LimitsForm = Record<Amount, string> & { models: string; priority: Priority | "" };

export function formOf(limits: Limits | null): LimitsForm {
  const form: Partial<LimitsForm> = { models: limits?.models?.join(", ") ?? "", priority: limits?.priority ?? "" };
  for (const name of AMOUNTS) form[name] = limits?.[name]?.toString() ?? "";
  return form as LimitsForm;
}

/** The amounts that are no whole number of 1 or more. */
export function wrongAmounts(form: LimitsForm): Amount[] {
  return AMOUNTS.filter((name) => form[name].trim() !== "" && !/^[1-9]\d*$/.test(form[name].trim()));
}

/** What a form changes of the limits that are: null takes one away, what stays is not said. Null where nothing changes. */
export function changeOf(before: Limits | null, form: LimitsForm): LimitsChange | null {
  const models = form.models.split(",").map((each) => each.trim()).filter((each) => each !== "");
  const wanted: Limits = { models: models.length > 0 ? models : null, priority: form.priority === "" ? null : form.priority };
  for (const name of AMOUNTS) wanted[name] = form[name].trim() === "" ? null : Number(form[name]);
  const changed = Object.entries(wanted).filter(([name, value]) => {
    const was = before?.[name as keyof Limits] ?? null;
    return JSON.stringify(was) !== JSON.stringify(value);
  });
  return changed.length > 0 ? (Object.fromEntries(changed) as LimitsChange) : null;
}

/** The names of all limits that are set. */
export function limited(limits: Limits | null): (Amount | "models" | "priority")[] {
  return ([...AMOUNTS, "models", "priority"] as const).filter((name) => (limits?.[name] ?? null) !== null);
}
