import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "svelte/compiler";
import { describe, expect, it } from "vitest";

import { LANGUAGES, type Part } from "./catalogue";
import { preferred } from "./index.svelte";
import { say } from "./say";
import type { Messages } from "./types";

const SOURCE = join(import.meta.dirname, "..");
const names = (message: string) => [...message.matchAll(/\{(\w+)\}/g)].map((each) => each[1]).sort();

describe("what is said", () => {
  it("has its names filled in and its plural chosen", () => {
    const message = { one: "{n} chat of {who}", other: "{n} chats of {who}" };
    expect(say(message, { n: 1, who: "Ann" }, "en")).toBe("1 chat of Ann");
    expect(say(message, { n: 1200, who: "Ann" }, "en")).toBe("1,200 chats of Ann");
    expect(say("{a} {b}", { a: "$&" }, "de")).toBe("$& {b}");
  });

  it("is in the first language of the browser's that there is", () => {
    expect(preferred("auto", ["fr", "de-AT", "en"])).toBe("de");
    expect(preferred("en", ["de"])).toBe("en");
    expect(preferred("auto", ["fr", "constructor"])).toBe("en");
  });
});

describe.each(Object.keys(LANGUAGES.en) as Part[])("the part %s", (part) => {
  it("says the same with the same names in every language", async () => {
    const english: Messages = (await LANGUAGES.en[part]()).default;
    for (const other of Object.values(LANGUAGES)) {
      const translated: Messages = (await other[part]()).default;
      expect(Object.keys(translated).sort()).toEqual(Object.keys(english).sort());
      for (const [key, message] of Object.entries(english)) {
        const text = translated[key];
        if (typeof message === "string") expect([key, names(text as string)]).toEqual([key, names(message)]);
        else expect([key, Object.keys(text as object)]).toEqual([key, ["one", "other"]]);
      }
    }
  });
});

// Attributes that people read or hear.
const READ = new Set(["title", "alt", "placeholder", "label", "aria-label", "aria-description", "aria-roledescription"]);

/** Words in a component that stand there themselves, instead of coming from the catalogue. */
function bareWords(source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const { type, name, data } = node as { type?: string; name?: string; data?: string };
    if (type === "RegularElement" && (name === "code" || name === "kbd" || name === "style")) return;
    if (type === "Text" && /\p{L}{2}/u.test(data ?? "")) found.push((data ?? "").trim());
    if (type === "Attribute" && !READ.has(name ?? "")) return;
    Object.values(node).forEach(visit);
  };
  visit(parse(source, { modern: true }).fragment);
  return found;
}

it("finds words that are not in the catalogue", () => {
  expect(bareWords('<p class="a b" title="Hello">Good day {name}</p><code>ls</code>')).toEqual(["Hello", "Good day"]);
  expect(bareWords("<p>{t('a.b')} · 3 ×</p>")).toEqual([]);
});

const components = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".svelte"));

it.each(components)("%s says nothing but what is in the catalogue", (path) => {
  expect(bareWords(readFileSync(join(SOURCE, path), "utf8"))).toEqual([]);
});

it.each(components)("%s is under 250 lines, and has no style that the policy refuses", (path) => {
  const source = readFileSync(join(SOURCE, path), "utf8");
  expect(source.split("\n").length).toBeLessThanOrEqual(250);
  expect(source.match(/\sstyle=|\{@html/g) ?? []).toEqual([]);
});
