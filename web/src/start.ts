// The page is painted before anything else is done, for what follows takes the browser's thread for a while. It is on its
// way by then: the page asks for it.
import "./styles/tokens.css";
import "./styles/base.css";

const begin = () => void import("./main");
if (document.hidden) begin(); // nothing is painted until somebody looks
else requestAnimationFrame(() => setTimeout(begin));
