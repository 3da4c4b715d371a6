import { mount } from "svelte";

import App from "./App.svelte";
import { loadPart, preferred, speak } from "./i18n/index.svelte";
import { idle } from "./lib/idle";
import { placeOf } from "./lib/router";
import { goOn } from "./stores/beginning.svelte";
import { watchKeys } from "./stores/commands.svelte";
import { watchEvents } from "./stores/events.svelte";
import { watchLocation } from "./stores/location.svelte";
import { loadBoot } from "./stores/session.svelte";
import { readTheme } from "./stores/theme.svelte";
import { VIEWS } from "./views";

// With who is here known, all is drawn once; a service that takes longer must not keep the page.
const BOOT_MS = 300;

// Asked for first, to be there when it is needed.
const booted = loadBoot();
const { view } = placeOf(new URL(location.href));

readTheme();
watchLocation();
watchKeys();
const speaking = speak(preferred("auto", navigator.languages)).catch(() => undefined);
// What cannot be loaded is told of by the app, which asks once more.
const loading = view === "lost" ? null : Promise.all([VIEWS[view].load(), speaking.then(() => loadPart(VIEWS[view].part))]).catch(() => null);
const [loaded] = await Promise.all([loading, speaking, Promise.race([booted, pause(BOOT_MS)])]);

const target = document.getElementById("app");
if (!target) throw new Error("the page has no #app");
mount(App, { target, props: { first: loaded ? { view, component: loaded[0].default } : null } });

await goOn();
void booted.then(() => idle(watchEvents));
if ("serviceWorker" in navigator && import.meta.env.PROD) idle(() => void navigator.serviceWorker.register("/sw.js").catch(() => undefined));

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
