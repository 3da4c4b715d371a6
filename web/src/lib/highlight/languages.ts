// Languages that code is coloured in: each a chunk of its own, loaded when the first fence of it closes.
import type { LanguageFn } from "highlight.js";

type Loader = () => Promise<{ default: LanguageFn }>;

const LOADERS = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  clojure: () => import("highlight.js/lib/languages/clojure"),
  cmake: () => import("highlight.js/lib/languages/cmake"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  dart: () => import("highlight.js/lib/languages/dart"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  elixir: () => import("highlight.js/lib/languages/elixir"),
  erlang: () => import("highlight.js/lib/languages/erlang"),
  fsharp: () => import("highlight.js/lib/languages/fsharp"),
  go: () => import("highlight.js/lib/languages/go"),
  graphql: () => import("highlight.js/lib/languages/graphql"),
  groovy: () => import("highlight.js/lib/languages/groovy"),
  haskell: () => import("highlight.js/lib/languages/haskell"),
  http: () => import("highlight.js/lib/languages/http"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  julia: () => import("highlight.js/lib/languages/julia"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  latex: () => import("highlight.js/lib/languages/latex"),
  less: () => import("highlight.js/lib/languages/less"),
  lisp: () => import("highlight.js/lib/languages/lisp"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  matlab: () => import("highlight.js/lib/languages/matlab"),
  nginx: () => import("highlight.js/lib/languages/nginx"),
  nix: () => import("highlight.js/lib/languages/nix"),
  objectivec: () => import("highlight.js/lib/languages/objectivec"),
  ocaml: () => import("highlight.js/lib/languages/ocaml"),
  perl: () => import("highlight.js/lib/languages/perl"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  properties: () => import("highlight.js/lib/languages/properties"),
  protobuf: () => import("highlight.js/lib/languages/protobuf"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  scss: () => import("highlight.js/lib/languages/scss"),
  shell: () => import("highlight.js/lib/languages/shell"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  verilog: () => import("highlight.js/lib/languages/verilog"),
  vhdl: () => import("highlight.js/lib/languages/vhdl"),
  x86asm: () => import("highlight.js/lib/languages/x86asm"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
} satisfies Record<string, Loader>;

export type LanguageName = keyof typeof LOADERS;

const ALIASES: Readonly<Record<string, LanguageName>> = {
  asm: "x86asm", "c#": "csharp", "c++": "cpp", cc: "cpp", cjs: "javascript", clj: "clojure", conf: "ini", console: "shell", cs: "csharp",
  cts: "typescript", cxx: "cpp", docker: "dockerfile", ex: "elixir", "f#": "fsharp", fs: "fsharp", gemspec: "ruby", golang: "go", gql: "graphql",
  gradle: "groovy", h: "c", hpp: "cpp", hs: "haskell", htm: "xml", html: "xml", jinja: "xml", jl: "julia", js: "javascript", json5: "json",
  jsonc: "json", jsonl: "json", jsx: "javascript", kt: "kotlin", make: "makefile", md: "markdown", mjs: "javascript", mk: "makefile",
  ml: "ocaml", mts: "typescript", mysql: "sql", "obj-c": "objectivec", objc: "objectivec", patch: "diff", pl: "perl", postgres: "sql",
  postgresql: "sql", proto: "protobuf", ps1: "powershell", pwsh: "powershell", py: "python", py3: "python", python3: "python", rb: "ruby",
  rs: "rust", scheme: "lisp", elisp: "lisp", sh: "bash", shellsession: "shell", sqlite: "sql", svelte: "xml", svg: "xml", sv: "verilog", tex: "latex",
  toml: "ini", ts: "typescript", tsx: "typescript", vue: "xml", xhtml: "xml", yml: "yaml", zsh: "bash",
};

/** The language that a fence's word names, or null for one that is not coloured. */
export function languageOf(word: string): LanguageName | null {
  if (Object.hasOwn(LOADERS, word)) return word as LanguageName;
  return Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? null) : null;
}

export async function loadLanguage(name: LanguageName): Promise<LanguageFn> {
  return (await (LOADERS[name] as Loader)()).default;
}

/** Languages that stand inside others. */
export const INSIDE: Readonly<Partial<Record<LanguageName, readonly LanguageName[]>>> = {
  dockerfile: ["bash"], http: ["json"], markdown: ["xml"], php: ["xml"], shell: ["bash"], xml: ["javascript", "css"],
};

const EXTENSIONS: Readonly<Partial<Record<LanguageName, string>>> = {
  bash: "sh", clojure: "clj", csharp: "cs", dockerfile: "dockerfile", elixir: "ex", erlang: "erl", fsharp: "fs", graphql: "graphql", haskell: "hs",
  javascript: "js", julia: "jl", kotlin: "kt", latex: "tex", makefile: "mk", markdown: "md", matlab: "m", objectivec: "m", ocaml: "ml", perl: "pl",
  powershell: "ps1", protobuf: "proto", python: "py", r: "R", ruby: "rb", rust: "rs", shell: "sh", typescript: "ts", verilog: "v", x86asm: "asm",
  yaml: "yml",
};

/** How a file of such code is named: "snippet.py". */
export function fileName(word: string): string {
  const plain = /^[a-z0-9]{1,12}$/.test(word) ? word : "txt";
  const language = languageOf(word);
  if (language === null) return "snippet.txt";
  // "html", "tsx", "toml": the word itself says more than the language that colours it.
  const own = language === "xml" || language === "ini" || Object.hasOwn(ALIASES, word);
  const known = own && plain !== "txt" ? plain : (EXTENSIONS[language] ?? language);
  return `snippet.${SPOKEN[known] ?? known}`;
}

const SPOKEN: Readonly<Record<string, string>> = { golang: "go", python3: "py", py3: "py", docker: "dockerfile", postgres: "sql", postgresql: "sql", mysql: "sql" };
