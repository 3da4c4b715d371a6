// Languages that code is coloured in, and the words that fences have for them.

export const LANGUAGES = [
  "bash", "c", "clojure", "cmake", "cpp", "csharp", "css", "dart", "diff", "dockerfile", "elixir", "erlang",
  "fsharp", "go", "graphql", "groovy", "haskell", "http", "ini", "java", "javascript", "json", "julia", "kotlin",
  "latex", "less", "lisp", "lua", "makefile", "markdown", "matlab", "nginx", "nix", "objectivec", "ocaml", "perl",
  "php", "powershell", "properties", "protobuf", "python", "r", "ruby", "rust", "scala", "scss", "shell", "sql",
  "swift", "typescript", "verilog", "vhdl", "x86asm", "xml", "yaml",
] as const;

export type LanguageName = (typeof LANGUAGES)[number];

const KNOWN: ReadonlySet<string> = new Set(LANGUAGES);

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
  if (KNOWN.has(word)) return word as LanguageName;
  return Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? null) : null;
}

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
