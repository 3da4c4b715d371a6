// The pages /sign-in, /invite, /reset and /setup: one form, by the path. The token leaves this page in a body only.

const at = (id) => document.getElementById(id);
const show = (id, yes = true) => { at(id).hidden = !yes; };
const page = location.pathname.replace(/\/+$/, "");
const asked = new URLSearchParams(location.search);
const token = asked.get("token") ?? "";

const WORDS = {
  "/sign-in": ["Sign in", "", "Sign in"],
  "/invite": ["Welcome", "You are invited. Choose a name and a password to sign in with.", "Begin"],
  "/reset": ["A new password", "Choose a new password. All browsers that are signed in will have to sign in again.", "Change"],
  "/setup": ["Set Potluck up", "Choose the owner's name and password. This link works once.", "Begin"],
};

// Where somebody wanted to go before signing in: an address of ours, or the beginning.
function next() {
  const wanted = URL.parse?.(asked.get("next") ?? "/", location.origin) ?? new URL("/", location.origin);
  return wanted.origin === location.origin && !(wanted.pathname in WORDS) ? wanted.href : "/";
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return told;
  const error = told?.error ?? {};
  const wait = Number(answer.headers.get("retry-after"));
  const hint = answer.status === 429 && wait ? `Wait ${wait} seconds, then try again.` : error.hint;
  throw Object.assign(new Error([error.message ?? `The answer was ${answer.status}.`, hint].filter(Boolean).join(" ")), {
    kind: error.type,
  });
}

// Signed in already: whoever was sent here goes on, and whoever came by themselves is told so.
function inside(name) {
  if (asked.has("next")) return location.replace(next());
  document.title = at("title").textContent = "Potluck";
  at("lead").textContent = `You are signed in as ${name}.`;
  show("lead");
  show("form", false);
  show("elsewhere", false);
  show("inside");
  at("leave").focus();
}

function words(name) {
  const [title, lead, send] = WORDS[name] ?? WORDS["/sign-in"];
  document.title = `${title} – Potluck`;
  at("title").textContent = title;
  at("lead").textContent = lead;
  show("lead", lead !== "");
  at("send").textContent = send;
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
    error.textContent = "The two passwords differ.";
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
