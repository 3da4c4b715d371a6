// A model's state in words and shape.
import type { Tone } from "../../components/StateDot.svelte";
import { language, t } from "../../i18n/index.svelte";
import { type Choice, type Warmth, warmth } from "../../lib/chat/choices";
import { span } from "../../lib/format";

const TONES: Readonly<Record<Warmth, Tone>> = { warm: "ok", busy: "busy", cold: "idle", away: "bad" };

export function toneOf(state: Warmth): Tone {
  return TONES[state];
}

/** "In memory", "Must be loaded · about 20 s". */
export function waitWords(choice: Choice): string {
  const state = warmth(choice);
  const word = t(`chat.state-${state}`);
  if (state === "warm" || state === "away" || !choice.wait_s) return word;
  return `${word} · ${t("chat.about-time", { time: span(choice.wait_s, language()) })}`;
}
