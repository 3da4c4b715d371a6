// What CodeMirror knows of each language: a chunk of its own, loaded when it is chosen.
import type { Extension } from "@codemirror/state";

const stream = async (mode: Promise<unknown>, name: string): Promise<Extension> => {
  const [{ StreamLanguage }, modes] = await Promise.all([import("@codemirror/language"), mode]);
  return StreamLanguage.define((modes as Record<string, Parameters<typeof StreamLanguage.define>[0]>)[name] as never);
};

const LOADERS = {
  bash: () => stream(import("@codemirror/legacy-modes/mode/shell"), "shell"),
  cpp: async () => (await import("@codemirror/lang-cpp")).cpp(),
  css: async () => (await import("@codemirror/lang-css")).css(),
  dockerfile: () => stream(import("@codemirror/legacy-modes/mode/dockerfile"), "dockerFile"),
  go: async () => (await import("@codemirror/lang-go")).go(),
  html: async () => (await import("@codemirror/lang-html")).html(),
  java: async () => (await import("@codemirror/lang-java")).java(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript({ jsx: true }),
  json: async () => (await import("@codemirror/lang-json")).json(),
  markdown: async () => (await import("@codemirror/lang-markdown")).markdown(),
  php: async () => (await import("@codemirror/lang-php")).php(),
  plain: async () => [],
  python: async () => (await import("@codemirror/lang-python")).python(),
  ruby: () => stream(import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
  rust: async () => (await import("@codemirror/lang-rust")).rust(),
  sql: async () => (await import("@codemirror/lang-sql")).sql(),
  toml: () => stream(import("@codemirror/legacy-modes/mode/toml"), "toml"),
  typescript: async () => (await import("@codemirror/lang-javascript")).javascript({ jsx: true, typescript: true }),
  xml: async () => (await import("@codemirror/lang-xml")).xml(),
  yaml: async () => (await import("@codemirror/lang-yaml")).yaml(),
} satisfies Record<string, () => Promise<Extension>>;

export type EditorLanguage = keyof typeof LOADERS;

/** Their own names, which are the same in every tongue. */
export const LANGUAGE_NAMES: Readonly<Record<Exclude<EditorLanguage, "plain">, string>> = {
  bash: "Shell", cpp: "C, C++", css: "CSS", dockerfile: "Dockerfile", go: "Go", html: "HTML", java: "Java", javascript: "JavaScript",
  json: "JSON", markdown: "Markdown", php: "PHP", python: "Python", ruby: "Ruby", rust: "Rust", sql: "SQL", toml: "TOML",
  typescript: "TypeScript", xml: "XML", yaml: "YAML",
};

const OTHER: Readonly<Record<string, EditorLanguage>> = {
  c: "cpp", "c++": "cpp", h: "cpp", js: "javascript", jsx: "javascript", ts: "typescript", tsx: "typescript", py: "python", rs: "rust",
  rb: "ruby", sh: "bash", shell: "bash", zsh: "bash", console: "bash", yml: "yaml", md: "markdown", htm: "html", svg: "xml", golang: "go",
  docker: "dockerfile", svelte: "html", vue: "html", jsonc: "json", postgresql: "sql",
};

/** The editor's language for a fence's word. */
export function editorLanguage(word: string): EditorLanguage {
  if (Object.hasOwn(LOADERS, word)) return word as EditorLanguage;
  return Object.hasOwn(OTHER, word) ? (OTHER[word] ?? "plain") : "plain";
}

export async function loadEditorLanguage(language: EditorLanguage): Promise<Extension> {
  return LOADERS[language]();
}
