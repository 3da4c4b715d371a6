// @vitest-environment happy-dom
// What hostile answers become in the page. `corpus.json` is read by the tests in a real browser, too.
import { flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";

import MessageBody from "../../src/components/message/MessageBody.svelte";
import { chance } from "../chance";
import corpus from "./corpus.json";
import Typed from "../message/Typed.svelte";

const ELEMENTS = new Set(
  ("a b blockquote br button code col colgroup del details div em figcaption figure h3 h4 h5 h6 hr img li math ol p path pre section " +
    "span strong summary sup svg table tbody td th thead tr ul " +
    "maction menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics").split(" "),
);
const LINKS = /^(?:https?:|mailto:|#note-)/;
const PICTURES = /^data:image\/(?:png|jpeg|gif|webp);base64,/;

/** What is wrong with what is shown; nothing, if all is well. */
function faults(root: Element): string[] {
  const found: string[] = [];
  for (const element of root.querySelectorAll("*")) {
    const name = element.localName;
    // Placeholders of the framework are comments; everything else is on the list or should not be there.
    if (!ELEMENTS.has(name)) found.push(`element ${name}`);
    for (const { name: attribute, value } of element.attributes) {
      if (/^on/i.test(attribute)) found.push(`handler ${attribute} of ${name}`);
      if (["srcdoc", "formaction", "action", "srcset", "background", "ping", "xlink:href", "name", "data"].includes(attribute)) found.push(`${attribute} of ${name}`);
      if (attribute === "href" && !LINKS.test(value)) found.push(`href ${value}`);
      if (attribute === "src" && !PICTURES.test(value)) found.push(`src ${value}`);
      if (attribute === "style" && /url|position|inset/i.test(value)) found.push(`style ${value}`);
      if (attribute === "id" && !/^note-/.test(value)) found.push(`id ${value}`);
    }
    if (name === "a" && !element.getAttribute("href")?.startsWith("#") && element.getAttribute("rel") !== "noopener noreferrer") found.push("link without rel");
  }
  return found;
}

vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
const frames = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

afterEach(() => {
  document.body.replaceChildren();
  delete (globalThis as { __hit?: number }).__hit;
});

describe("hostile answers", () => {
  it("are many, and each has a name of its own", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(40);
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
  });

  it("would be found", () => {
    const bad = document.createElement("div");
    for (const [name, attribute, value] of [["script", "src", "x"], ["a", "href", "javascript:x"], ["img", "onerror", "x"], ["form", "action", "x"]] as const) {
      bad.appendChild(document.createElement(name)).setAttribute(attribute, value);
    }
    expect(faults(bad).length).toBeGreaterThanOrEqual(6);
  });

  it.each(corpus)("$name: whole", async ({ text }) => {
    const body = mount(MessageBody, { target: document.body, props: { text, done: true } });
    flushSync();
    await frames();
    expect(faults(document.body)).toEqual([]);
    expect((globalThis as { __hit?: number }).__hit).toBeUndefined();
    await unmount(body);
  });

  it.each(corpus.map((probe, index) => ({ ...probe, index })))("$name: as it comes", async ({ text, index }) => {
    const next = chance(index + 1);
    const typed = mount(Typed, { target: document.body });
    for (let at = 0; at < text.length; ) {
      at += 1 + Math.floor(next() * 12);
      typed.say(text.slice(0, at), at >= text.length);
      flushSync();
      await frames();
      expect(faults(document.body), text.slice(0, at)).toEqual([]);
    }
    expect((globalThis as { __hit?: number }).__hit).toBeUndefined();
    await unmount(typed);
  });
});
