// How programs are set up for Potluck: read from the guide that the tests run (docs/guides/connect-a-client.md), so that what is shown
// here is what is known to work. Only address, key and model are filled in.

export interface Step {
  /** The file to write; empty for a command. */
  file: string;
  language: string;
  text: string;
}
export interface Recipe {
  id: string;
  /** "Coding agents", "Command line". */
  group: string;
  name: string;
  steps: Step[];
}
export interface Filled {
  address: string;
  key: string;
  model: string;
}

const GUIDE_ADDRESS = "http://127.0.0.1:8420";
const GUIDE_MODEL = "smollm2:135m";

const BLOCK = /^(##|###) (.+)$|^<!-- client: (\S+) (?:run|file (\S+)) -->$|^```(\w+)\n([\s\S]*?)^```$/gm;

/** All recipes of the guide, in its order. */
export function recipesOf(guide: string): Recipe[] {
  const recipes: Recipe[] = [];
  let group = "";
  let name = "";
  let file = "";
  let client = "";
  for (const match of guide.matchAll(BLOCK)) {
    const [, depth, title, id, path, language, text] = match;
    if (depth !== undefined) {
      if (depth === "##") group = title ?? "";
      name = title ?? "";
      client = depth === "##" ? slug(name) : "";
    } else if (id !== undefined) {
      client = id;
      file = path ?? "";
    } else if (text !== undefined && language !== undefined && group !== "") {
      const recipe = recipes.find((each) => each.id === client) ?? { id: client, group, name: named(name, client), steps: [] };
      if (recipe.steps.length === 0) recipes.push(recipe);
      recipe.steps.push({ file, language, text: text.trimEnd() });
      file = "";
    }
  }
  return recipes;
}

/** A recipe with the reader's own address, key and model. Commands that need the key begin with it. */
export function filled(recipe: Recipe, { address, key, model }: Filled): Step[] {
  const steps = recipe.steps.map((step) => ({
    ...step,
    text: step.text
      .replaceAll(GUIDE_ADDRESS, address)
      .replaceAll(GUIDE_MODEL, model)
      .replaceAll("${{ secrets.POTLUCK_KEY }}", key),
  }));
  const first = steps.find((step) => step.file === "");
  const needed = steps.some((step) => step.text.includes("POTLUCK_KEY"));
  if (!needed) return steps;
  const said = `export POTLUCK_KEY=${key}`;
  if (first?.language === "bash") return steps.map((step) => (step === first ? { ...step, text: `${said}\n${step.text}` } : step));
  return [{ file: "", language: "bash", text: said }, ...steps];
}

const WAYS: Readonly<Record<string, string>> = { openai: "OpenAI", anthropic: "Anthropic", ollama: "Ollama" };

/** "Continue" by three dialects is three recipes: each says which. */
function named(title: string, client: string): string {
  const way = WAYS[/-(\w+)$/.exec(client)?.[1] ?? ""];
  return way === undefined || title.includes(way) ? title : `${title} (${way})`;
}

function slug(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}
