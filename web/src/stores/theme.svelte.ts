// Light, dark, or as the system has it. `public/theme.js` reads the same key before the first paint.
export type Theme = "auto" | "light" | "dark";

const KEPT_AS = "potluck.theme";

let chosen = $state<Theme>("auto");

export function theme(): Theme {
  return chosen;
}

export function setTheme(wanted: Theme): void {
  chosen = wanted;
  if (wanted === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = wanted;
  try {
    localStorage.setItem(KEPT_AS, wanted);
  } catch {
    // Storage is off: it holds for this page.
  }
}

export function readTheme(): void {
  const kept = document.documentElement.dataset["theme"];
  chosen = kept === "light" || kept === "dark" ? kept : "auto";
}
