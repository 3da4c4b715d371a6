// What benchmarks/portal measures without the rest of the portal: one answer, streamed, as `?page=portal` or as plain text (`?page=floor`).
import "../src/styles/tokens.css";
import "../src/styles/base.css";

import { mount } from "svelte";

const query = new URLSearchParams(location.search);
const target = document.getElementById("app") as HTMLElement;

async function streamed(say: (text: string, done: boolean) => void): Promise<void> {
  const answer = await fetch(`/stream?${query}`);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    text += value ?? "";
    say(text, done);
    if (done) break;
  }
  document.documentElement.dataset["done"] = "true";
}

const box = document.createElement("div");
box.className = "column";
target.append(box);
box.style.cssText = "height: 100vh; overflow-y: auto; padding: 0 16px";
const column = box.appendChild(document.createElement("div"));
column.style.cssText = "max-width: 45rem; margin: 0 auto";

if (query.get("page") === "floor") {
  column.style.whiteSpace = "pre-wrap";
  const words = column.appendChild(document.createTextNode(""));
  await streamed((text) => {
    words.appendData(text.slice(words.length));
    box.scrollTop = box.scrollHeight;
  });
} else {
  const { default: Harness } = await import("./Harness.svelte");
  const shown = mount(Harness, { target: column, props: { box } });
  await streamed(shown.say);
}
