import type english from "../en/message";
import type { Same } from "../types";

export default {
  code: "Code",
  "code-in": "Code: {language}",
  wrap: "Umbrechen",
  preview: "Vorschau",
  diagram: "Diagramm",
  sandboxed: "In einem Rahmen ohne Netz und ohne Zugriff auf dein Konto.",
  table: "Tabelle",
  "copy-markdown": "Als Markdown kopieren",
  "copy-csv": "Als CSV kopieren",
  "image-at": "Bild auf {host}",
  "load-once": "Einmal laden",
  "image-failed": "Das Bild konnte nicht geladen werden.",
  "task-done": "Erledigt",
  opened: "Im Editor geöffnet, anstelle dessen, was dort stand.",
  "task-open": "Offen",
} satisfies Same<typeof english>;
