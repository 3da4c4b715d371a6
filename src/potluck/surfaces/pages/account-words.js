// What the pages say, by language. `kind.*` stands for what the service says of a refused sign-in (docs/reference/http.md).

const EN = {
  wait: "One moment…",
  "sign-in.title": "Sign in",
  "sign-in.lead": "",
  "sign-in.send": "Sign in",
  "invite.title": "Welcome",
  "invite.lead": "You are invited. Choose a name and a password to sign in with.",
  "invite.send": "Begin",
  "reset.title": "A new password",
  "reset.lead": "Choose a new password. All browsers that are signed in will have to sign in again.",
  "reset.send": "Change",
  "setup.title": "Set Potluck up",
  "setup.lead": "Choose the owner's name and password. This link works once.",
  "setup.send": "Begin",
  name: "Name",
  password: "Password",
  again: "Password again",
  code: "Code of your authenticator, or a recovery code",
  elsewhere: "Sign in elsewhere",
  open: "Open Potluck",
  api: "What the API offers",
  leave: "Sign out",
  inside: "You are signed in as {name}.",
  differ: "The two passwords differ.",
  "try-again": "Wait {seconds} seconds, then try again.",
  status: "The answer was {status}.",
  unreachable: "The service cannot be reached. Try again in a moment.",
};

const DE = {
  wait: "Einen Moment …",
  "sign-in.title": "Anmelden",
  "sign-in.lead": "",
  "sign-in.send": "Anmelden",
  "invite.title": "Willkommen",
  "invite.lead": "Du bist eingeladen. Wähle einen Namen und ein Passwort zum Anmelden.",
  "invite.send": "Los geht’s",
  "reset.title": "Ein neues Passwort",
  "reset.lead": "Wähle ein neues Passwort. Alle angemeldeten Browser müssen sich danach neu anmelden.",
  "reset.send": "Ändern",
  "setup.title": "Potluck einrichten",
  "setup.lead": "Wähle Namen und Passwort des Besitzers. Dieser Link gilt einmal.",
  "setup.send": "Los geht’s",
  name: "Name",
  password: "Passwort",
  again: "Passwort noch einmal",
  code: "Code deiner Authenticator-App oder ein Wiederherstellungscode",
  elsewhere: "Woanders anmelden",
  open: "Potluck öffnen",
  api: "Was die API bietet",
  leave: "Abmelden",
  inside: "Du bist als {name} angemeldet.",
  differ: "Die beiden Passwörter sind verschieden.",
  "try-again": "Warte {seconds} Sekunden und versuche es dann noch einmal.",
  status: "Die Antwort war {status}.",
  unreachable: "Der Dienst ist nicht erreichbar. Versuche es gleich noch einmal.",
  "kind.unauthenticated": "Der Name oder das Passwort stimmt nicht.",
  "kind.code_needed": "Dazu gehört ein Code deiner Authenticator-App oder ein Wiederherstellungscode.",
  "kind.rate_limited": "Zu viele Versuche.",
};

const LANGUAGES = { en: EN, de: DE };

// The first of the browser's languages that we speak.
export const language = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0])
  .find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";

const spoken = LANGUAGES[language];

/** A text of the catalogue with its values; undefined where there is none. */
export function say(key, values = {}) {
  return spoken[key]?.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
