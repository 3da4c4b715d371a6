/** Formulas between `$…$`, `$$…$$`, `\(…\)` and `\[…\]`. */

/** A formula longer than this is shown as it was written. */
export const TEX_LIMIT = 4000;

/** Between single signs, prices are the more likely reading of long stretches. */
const DOLLAR_LIMIT = 1000;

/** What no price has in it. */
const SURELY_TEX = /[\\^_={}]/;

/** The formula that begins at `position` (a `$` or a backslash), or null. */
export function inlineMaths(text: string, position: number): { tex: string; display: boolean; end: number } | null {
  if (text.startsWith("$$", position)) return between(text, position, "$$", true);
  if (text.startsWith("\\(", position)) return between(text, position, "\\)", false);
  if (text.startsWith("\\[", position)) {
    const found = between(text, position, "\\]", true);
    // An escaped bracket before a parenthesis is somebody who writes about links.
    return found && text[found.end] !== "(" ? found : null;
  }
  return dollars(text, position);
}

function between(
  text: string,
  position: number,
  closer: string,
  display: boolean,
): { tex: string; display: boolean; end: number } | null {
  const begin = position + 2;
  const end = text.slice(begin, begin + TEX_LIMIT + 2).indexOf(closer);
  const tex = text.slice(begin, begin + Math.max(end, 0)).trim();
  return end <= 0 || tex === "" ? null : { tex, display, end: begin + end + 2 };
}

/** As pandoc reads `$…$`: no space inside its edges, and no letter or digit after it, so that sums of money stay text. */
function dollars(text: string, position: number): { tex: string; display: boolean; end: number } | null {
  let end = position + 1;
  while (end < text.length && end - position <= DOLLAR_LIMIT && text[end] !== "$") end += text[end] === "\\" ? 2 : 1;
  if (text[end] !== "$") return null;
  const tex = text.slice(position + 1, end);
  if (tex === "" || /^\s|\s$/.test(tex)) return null;
  const glued = /[A-Za-z0-9]/.test(text.charAt(end + 1)) || /[A-Za-z0-9]/.test(text.charAt(position - 1));
  return glued && !SURELY_TEX.test(tex) ? null : { tex, display: false, end: end + 1 };
}
