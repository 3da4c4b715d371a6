// @vitest-environment happy-dom
// What an answer looks like in the page: the same however it came, and without anything being made twice.
import { flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";

import MessageBody from "../../src/components/message/MessageBody.svelte";
import { chance } from "../chance";
import { randomAnswer } from "./fragments";
import Typed from "./Typed.svelte";

vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
const frames = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
afterEach(() => document.body.replaceChildren());

/** What is shown, without ids and the widths of columns, which are measured by the first rows that come. */
function shown(): string {
  const copy = document.querySelector(".markdown")?.cloneNode(true) as Element;
  for (const column of copy.querySelectorAll("colgroup, table")) {
    column.removeAttribute("style");
    if (column.localName === "colgroup") column.replaceChildren();
  }
  for (const text of copy.querySelectorAll("*")) text.normalize();
  return copy.innerHTML.replace(/note-[\w-]+-(\d+)/g, "note-$1").replace(/<!--.*?-->/g, "");
}

async function whole(text: string): Promise<string> {
  const body = mount(MessageBody, { target: document.body, props: { text } });
  flushSync();
  await frames();
  const html = shown();
  await unmount(body);
  return html;
}

describe("an answer in the page", () => {
  it("is the same whether it came in pieces or whole", async () => {
    await whole("$a$"); // the library of formulas is there from here on
    for (let seed = 1; seed <= 60; seed += 1) {
      const next = chance(seed);
      const text = randomAnswer(next);
      const typed = mount(Typed, { target: document.body });
      for (let at = 0; at < text.length; ) {
        at += 1 + Math.floor(next() * next() * 60);
        typed.say(text.slice(0, at), at >= text.length);
        flushSync();
        await frames();
      }
      const streamed = shown();
      await unmount(typed);
      expect(streamed, JSON.stringify(text)).toBe(await whole(text));
    }
  });

  it("keeps its elements while it grows", async () => {
    const typed = mount(Typed, { target: document.body });
    const say = async (text: string, done = false): Promise<void> => {
      typed.say(text, done);
      flushSync();
      await frames();
    };
    await say("# One\n\nSome *emph");
    const [heading, paragraph] = document.querySelectorAll(".heading, p");
    const emphasis = document.querySelector("em");
    const text = paragraph?.firstChild;
    await say("# One\n\nSome *emphasis* and more\n\n- a");
    const item = document.querySelector("li");
    await say("# One\n\nSome *emphasis* and more\n\n- a b\n- c\n\n```js\nlet", false);
    const code = document.querySelector("pre code");
    const letters = code?.firstChild;
    await say("# One\n\nSome *emphasis* and more\n\n- a b\n- c\n\n```js\nlet a = 1;\n```\n", true);
    expect(document.querySelector(".heading")).toBe(heading);
    expect([...document.querySelectorAll("p")]).toContain(paragraph);
    expect(document.querySelector("em")).toBe(emphasis);
    expect(paragraph?.firstChild).toBe(text);
    expect(document.querySelector("li")).toBe(item);
    expect(document.querySelector("pre code")?.firstChild).toBe(letters);
    expect(letters?.textContent).toBe("let a = 1;");
    await unmount(typed);
  });

  it("goes on after it was whole, and becomes another when another is asked for", async () => {
    const typed = mount(Typed, { target: document.body });
    const say = async (text: string, done: boolean): Promise<void> => {
      typed.say(text, done);
      flushSync();
      await frames();
    };
    await say("Cut of", true);
    const paragraph = document.querySelector("p");
    await say("Cut off and continued.", false);
    await say("Cut off and continued.", true);
    expect(document.querySelector("p")).toBe(paragraph);
    expect(document.body.textContent).toContain("Cut off and continued.");
    await say("Another answer", true);
    expect(document.body.textContent?.trim()).toBe("Another answer");
    await unmount(typed);
  });

  it("has headings below its own that skip no level", async () => {
    await whole("");
    mount(MessageBody, { target: document.body, props: { text: "### A\n\n# B\n\n#### C\n\n###### D\n\n## E\n\n> # quoted" } });
    flushSync();
    expect([...document.querySelectorAll(".heading")].map((each) => each.localName)).toEqual(["h3", "h3", "h4", "h5", "h4", "p"]);
  });

  it("asks nobody for an image before a click", async () => {
    mount(MessageBody, { target: document.body, props: { text: "![chart](https://pics.example/a.png)" } });
    flushSync();
    await frames();
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).toContain("Image at pics.example");
    expect([...document.querySelectorAll("button")].map((each) => each.textContent?.trim())).toContain("Load once");
  });

  it("puts numbers at the right, where the table does not say otherwise", () => {
    mount(MessageBody, { target: document.body, props: { text: "| a | b |\n|---|---|\n| x | 1.5 |\n| y | 20 |" } });
    flushSync();
    expect([...document.querySelectorAll("td")].map((each) => each.dataset["align"])).toEqual(["left", "right", "left", "right"]);
  });
});
