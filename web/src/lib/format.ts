// Numbers and times as people read them. `now` is an argument.

const STEPS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes, with at most three digits: "1.5 GiB". */
export function bytes(count: number, locale?: string): string {
  let step = 0;
  let value = count;
  while (Math.abs(value) >= 1024 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || Math.abs(value) >= 100 ? 0 : 1;
  return `${number(value, digits, locale)} ${STEPS[step]}`;
}

export function number(value: number, digits = 0, locale?: string): string {
  return value.toLocaleString(locale, { maximumFractionDigits: digits });
}

export function percent(share: number, locale?: string): string {
  return share.toLocaleString(locale, { style: "percent", maximumFractionDigits: 0 });
}

/** A span of time, roughly: "8 s", "3 min", "2 h", "5 d". */
export function span(seconds: number, locale?: string): string {
  const whole = Math.max(0, seconds);
  if (whole < 1) return `${number(whole, 1, locale)} s`;
  if (whole < 90) return `${Math.round(whole)} s`;
  if (whole < 5400) return `${Math.round(whole / 60)} min`;
  if (whole < 129_600) return `${Math.round(whole / 3600)} h`;
  return `${Math.round(whole / 86_400)} d`;
}

/** How long ago, or how far off, in the words of a language: "3 minutes ago". */
export function ago(then: Date, now: Date, locale?: string): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  const size = Math.abs(seconds);
  if (size < 45) return relative.format(0, "second");
  if (size < 2700) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 79_200) return relative.format(Math.round(seconds / 3600), "hour");
  if (size < 2_592_000) return relative.format(Math.round(seconds / 86_400), "day");
  return then.toLocaleDateString(locale, { dateStyle: "medium" });
}

/** A place in a queue: 1st, 2. */
export function ordinal(place: number, locale = "en"): string {
  if (!locale.startsWith("en")) return `${place}.`;
  const ends: Record<string, string> = { one: "st", two: "nd", few: "rd" };
  return `${place}${ends[new Intl.PluralRules("en", { type: "ordinal" }).select(place)] ?? "th"}`;
}
