import { describe, expect, it } from "vitest";

import { NO_PARAMS } from "./ask";
import { answerTo, isLocal, type Letter, nameless, readdressed, sendable } from "./outbox";

const letter = (key: string, chat: string, writtenMs: number, after: string | null = null): Letter => ({
  key, chat, writtenMs, refused: null, tries: 0,
  ask: { kind: "say", text: key, after, enclosed: [], model: "", node: "", params: NO_PARAMS, system: "" },
});
const again = (key: string, message: string): Letter => ({
  ...letter(key, "one", 9), ask: { kind: "again", message, model: "", node: "", params: NO_PARAMS, system: "" },
});
const keys = (letters: readonly Letter[]) => letters.map((each) => each.key);

describe("the outbox", () => {
  const letters = [letter("b", "one", 2, answerTo("a")), letter("a", "one", 1), letter("c", "two", 3), again("d", "q")];

  it("sends the oldest message of each chat, and the next when that is answered", () => {
    expect(keys(sendable(letters, new Set()))).toEqual(["a", "c", "d"]);
    expect(keys(sendable(letters, new Set(["one"])))).toEqual(["c", "d"]);
  });

  it("does not send by itself what was refused", () => {
    const refused = { ...letter("a", "one", 1), refused: { message: "Too long.", hint: "", type: "bad_request", stopped: "" } };
    expect(keys(sendable([refused, letter("b", "one", 2)], new Set()))).toEqual(["b"]);
  });

  it("follows a chat and its messages to their names", () => {
    expect(isLocal("new-1") && !isLocal("0af3")).toBe(true);
    expect(readdressed(letters, "one", "one", "0af3").map((each) => [each.key, each.chat])).toEqual([["b", "0af3"], ["a", "0af3"], ["d", "0af3"]]);
    const [named] = readdressed(letters, "one", answerTo("a"), "m1");
    const unsaid = new Set(["q"]);
    expect(named && nameless(named, unsaid)).toBe(false);
    expect(nameless(letter("b", "one", 2, answerTo("a")), unsaid) && !nameless(letter("a", "one", 1), unsaid)).toBe(true);
    expect([nameless(again("d", "q"), unsaid), nameless(again("d", "q1"), unsaid)]).toEqual([true, false]);
    expect(readdressed(letters, "one", "q", "q1").map((each) => each.ask)).toMatchObject([{ kind: "again", message: "q1" }]);
  });
});
