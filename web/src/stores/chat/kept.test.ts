import "fake-indexeddb/auto";

import { describe, expect, it } from "vitest";

import { NO_PARAMS } from "../../lib/chat/ask";
import { Shelf } from "./kept";

describe("what the browser keeps", () => {
  it("is there for the next page, and for its own user alone", async () => {
    const ask = { kind: "say", text: "Hi", after: null, enclosed: [], model: "", node: "", params: NO_PARAMS, system: "" } as const;
    const letter = { key: "k", chat: "new-1", ask, writtenMs: 1, tries: 0, refused: null };
    await new Shelf("ann").putLetter(letter);
    await new Shelf("ann").putDraft({ chat: "c", text: "half a", enclosed: [] });
    expect(await new Shelf("ann").letters()).toEqual([letter]);
    expect((await new Shelf("ann").draft("c"))?.text).toBe("half a");
    expect(await new Shelf("bob").letters()).toEqual([]);
    expect(await new Shelf("bob").draft("c")).toBeUndefined();
  });

  it("goes when it is sent or emptied", async () => {
    const shelf = new Shelf("ann");
    await shelf.dropLetter("k");
    await shelf.putDraft({ chat: "c", text: "", enclosed: [] });
    expect([await shelf.letters(), await shelf.draft("c")]).toEqual([[], undefined]);
  });
});
