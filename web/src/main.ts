import "./styles/tokens.css";
import "./styles/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { preferred, speak } from "./i18n/index.svelte";
import { placeOf } from "./lib/router";
import { watchKeys } from "./stores/commands.svelte";
import { watchEvents } from "./stores/events.svelte";
import { watchLocation } from "./stores/location.svelte";
import { loadBoot } from "./stores/session.svelte";
import { readTheme } from "./stores/theme.svelte";
import { VIEWS } from "./views";

// Asked for first, to be there when it is needed.
const booted = loadBoot();
const first = placeOf(new URL(location.href)).view;
if (first !== "lost") void VIEWS[first].load().catch(() => undefined);

readTheme();
watchLocation();
watchKeys();
await speak(preferred("auto", navigator.languages)).catch(() => undefined);

const target = document.getElementById("app");
if (!target) throw new Error("the page has no #app");
target.replaceChildren();
mount(App, { target });

void booted.then(watchEvents);
if ("serviceWorker" in navigator && import.meta.env.PROD) void navigator.serviceWorker.register("/sw.js").catch(() => undefined);
