// Types of the API, from its OpenAPI document: node scripts/api.js < openapi.json > src/lib/api-types.ts
import { text } from "node:stream/consumers";

import openapiTS, { astToString } from "openapi-typescript";

const HEAD = "// Made by `make docs` from the API's OpenAPI document; a test fails where it is not up to date.\n\n";
const document = JSON.parse(await text(process.stdin));
const { schemas } = document.components;

/** The names of all schemas that something refers to, directly or not. */
function referred(value, found = new Set()) {
  if (typeof value !== "object" || value === null) return found;
  const name = typeof value.$ref === "string" ? value.$ref.split("/").at(-1) : null;
  if (name !== null && !found.has(name)) {
    found.add(name);
    referred(schemas[name], found);
  }
  for (const each of Object.values(value)) referred(each, found);
  return found;
}

// What has a default may be left out of what one sends, and is always in what one gets.
const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
const sent = referred(operations.map((each) => each.requestBody));
for (const [name, schema] of Object.entries(schemas)) {
  if (!sent.has(name) && schema.properties) schema.required = Object.keys(schema.properties);
}
process.stdout.write(HEAD + astToString(await openapiTS(document, { alphabetize: true, defaultNonNullable: false })));
