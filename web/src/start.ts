// The page is painted before anything else is done, for what follows takes the browser's thread for a while. It is on its
// way by then: the page asks for it.
import "./styles/tokens.css";
import "./styles/base.css";

// Where nobody looks, or the browser is slow to paint, there is no sense in waiting for it.
const LATEST_MS = 50;

let begun = false;
function begin(): void {
  if (!begun) void import("./main");
  begun = true;
}
requestAnimationFrame(() => setTimeout(begin));
setTimeout(begin, LATEST_MS);
