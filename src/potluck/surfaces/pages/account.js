// The pages /sign-in, /invite, /reset and /setup: one form, by the path. The token leaves this page in a body only.

import { language, say } from "./account-words.js";

const at = (id) => document.getElementById(id);
const show = (id, yes = true) => { at(id).hidden = !yes; };
const page = location.pathname.replace(/\/+$/, "");
const asked = new URLSearchParams(location.search);
const token = asked.get("token") ?? "";

const PAGES = new Set(["/sign-in", "/invite", "/reset", "/setup"]);

// Where somebody wanted to go before signing in: an address of ours, or the beginning.
function next() {
  const wanted = URL.parse?.(asked.get("next") ?? "/", location.origin) ?? new URL("/", location.origin);
  return wanted.origin === location.origin && !PAGES.has(wanted.pathname) ? wanted.href : "/";
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  }).catch(() => { throw new Error(say("unreachable")); });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return told;
  const error = told?.error ?? {};
  const wait = Number(answer.headers.get("retry-after"));
  const ours = path.startsWith("/api/v1/sessions") ? say(`kind.${error.type}`) : undefined;
  const hint = answer.status === 429 && wait ? say("try-again", { seconds: wait }) : ours ? "" : error.hint;
  const message = ours ?? error.message ?? say("status", { status: answer.status });
  throw Object.assign(new Error([message, hint].filter(Boolean).join(" ")), { kind: error.type });
}

// Signed in already: whoever was sent here goes on, and whoever came by themselves is told so.
function inside(name) {
  if (asked.has("next")) return location.replace(next());
  document.title = at("title").textContent = "Potluck";
  at("lead").textContent = say("inside", { name });
  show("lead");
  show("form", false);
  show("elsewhere", false);
  show("inside");
  at("leave").focus();
}

function words(path) {
  const about = PAGES.has(path) ? path.slice(1) : "sign-in";
  const title = say(`${about}.title`);
  const lead = say(`${about}.lead`);
  document.title = `${title} – Potluck`;
  at("title").textContent = title;
  at("lead").textContent = lead;
  show("lead", lead !== "");
  at("send").textContent = say(`${about}.send`);
}

// What the page says before anybody knows what it is for.
function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
}

async function offerElsewhere(invitation) {
  const { oidc } = await ask("GET", "/api/v1/sessions/ways").catch(() => ({}));
  if (!oidc) return;
  const query = new URLSearchParams({ next: new URL(next(), location.origin).pathname, ...(invitation ? { invitation } : {}) });
  at("oidc").textContent = oidc.label;
  at("oidc").href = `${oidc.start}?${query}`;
  show("elsewhere");
}

function askForCode() {
  show("code-field");
  at("code").required = true;
  at("code").focus();
}

async function submit(event) {
  event.preventDefault();
  const error = at("error");
  error.textContent = "";
  if (token && at("password").value !== at("again").value) {
    error.textContent = say("differ");
    return at("again").focus();
  }
  const body = { password: at("password").value, code: at("code").value };
  if (!at("name-field").hidden) body.name = at("name").value;
  at("send").disabled = true;
  try {
    await (token
      ? ask("POST", "/api/v1/invitations/accept", { ...body, token })
      : ask("POST", "/api/v1/sessions", body));
    // The link is used up, and nobody need find it in the history.
    location.replace(next());
  } catch (failed) {
    error.textContent = failed.message;
    if (failed.kind === "code_needed") askForCode();
  } finally {
    at("send").disabled = false;
  }
}

async function begin() {
  translate();
  at("form").addEventListener("submit", submit);
  at("leave").addEventListener("click", async () => {
    await ask("DELETE", "/api/v1/sessions/current").catch(() => null);
    location.assign("/sign-in");
  });
  if (page !== "/sign-in") {
    try {
      const link = await ask("GET", `/api/v1/invitations/open?token=${encodeURIComponent(token)}`);
      words(`/${link.kind}`);
      at("name").value = link.name;
      show("name-field", link.kind !== "reset");
      at("name").required = link.kind !== "reset";
      show("again-field");
      at("again").required = true;
      at("password").minLength = 8;
      at("password").autocomplete = "new-password";
      if (link.code) show("code-field");
      if (link.kind === "invite") await offerElsewhere(token);
    } catch (failed) {
      words(page);
      show("lead");
      at("lead").textContent = failed.message;
      return;
    }
  } else {
    const self = await ask("GET", "/api/v1/users/me").catch(() => null);
    if (self) return inside(self.name);
    words(page);
    at("password").autocomplete = "current-password";
    await offerElsewhere("");
  }
  show("form");
  (at("name-field").hidden || at("name").value ? at("password") : at("name")).focus();
}

begin();
