import type { Same } from "../types";
import type en from "../en/share";

export default {
  title: "Geteiltes Gespräch",
  by: "Geteilt von {name}, {when}",
  files: { one: "{n} Datei", other: "{n} Dateien" },
  "sign-in": "Melde dich an, um das zu lesen",
  "sign-in-text": "Dieses Gespräch ist mit Leuten dieses Hauses geteilt.",
  "sign-in-link": "Anmelden",
  gone: "Hier ist nichts geteilt",
  "gone-text": "Der Link wurde zurückgezogen, oder seine Zeit ist um.",
} satisfies Same<typeof en>;
