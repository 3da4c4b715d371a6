// What a browser says of itself, as people call it. Pure.

// Each also says that it is those after it.
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"], [/\bOPR\//, "Opera"], [/\bSamsungBrowser\//, "Samsung Internet"], [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"], [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"], [/\biPad\b/, "iPad"], [/\bAndroid\b/, "Android"], [/\bCrOS\b/, "ChromeOS"], [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"], [/\bLinux\b/, "Linux"],
];

/** "Firefox, Linux"; what is no browser's is left as it is. */
export function agentName(said: string): string {
  const browser = BROWSERS.find(([sign]) => sign.test(said))?.[1];
  if (!browser) return said;
  const system = SYSTEMS.find(([sign]) => sign.test(said))?.[1];
  return system ? `${browser}, ${system}` : browser;
}
