// What a model did on its way to an answer: the tools that it called, with what they gave. Pure.
import type { Message } from "./message";

export interface Step {
  id: string;
  name: string;
  state: "running" | "done";
  asked: string;
  answered: string;
}

/** The calls of a message, each with the result that follows it in the branch that is shown, in order. */
export function stepsOf(message: Message, shown: readonly Message[]): Step[] {
  const at = shown.findIndex((each) => each.id === message.id);
  const after = shown.slice(at + 1);
  const end = after.findIndex((each) => each.role !== "tool");
  const results = end < 0 ? after : after.slice(0, end);
  return message.toolCalls.map((call, place) => {
    const result = results[place];
    return { id: call.id || `${message.id}-${place}`, name: call.name, state: result ? "done" : "running", asked: indented(call.arguments), answered: result?.text ?? "" };
  });
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // a model's slip is shown as it is
  }
}
