// What stands in answers, wherever they are shown.
export default {
  code: "Code",
  "code-in": "Code: {language}",
  wrap: "Wrap",
  preview: "Preview",
  diagram: "Diagram",
  sandboxed: "Shown in a frame without network or access to your account.",
  table: "Table",
  "copy-markdown": "Copy as Markdown",
  "copy-csv": "Copy as CSV",
  "image-at": "Image at {host}",
  "load-once": "Load once",
  "image-failed": "The image could not be loaded.",
  "task-done": "Done",
  opened: "Opened in the editor, in place of what was there.",
  "task-open": "Not done",
} as const;
