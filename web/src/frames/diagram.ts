// Draws one Mermaid diagram in a frame that has no origin and no network, and tells how high it is.
import mermaid from "mermaid";

interface Asked {
  source: string;
  dark: boolean;
}

const SOURCE_LIMIT = 50_000;

addEventListener("message", (event: MessageEvent<Asked>) => {
  if (event.source !== parent || typeof event.data.source !== "string") return;
  void draw(event.data);
});
parent.postMessage({ ready: true }, "*");

async function draw({ source, dark }: Asked): Promise<void> {
  document.body.style.margin = "12px";
  document.body.style.background = dark ? "#1c1c20" : "#fff";
  mermaid.initialize({
    startOnLoad: false, securityLevel: "strict", theme: dark ? "dark" : "default", maxTextSize: SOURCE_LIMIT, htmlLabels: false,
    flowchart: { htmlLabels: false },
  });
  try {
    const { svg } = await mermaid.render("diagram", source);
    const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    document.body.replaceChildren(document.importNode(drawn, true));
  } catch (error) {
    const told = document.createElement("pre");
    told.textContent = error instanceof Error ? error.message : String(error);
    told.style.color = dark ? "#ededf0" : "#18181b";
    document.body.replaceChildren(told);
  }
  parent.postMessage({ height: document.documentElement.scrollHeight + 1 }, "*");
}
