import { describe, expect, it } from "vitest";

import { blank, messageOf, wordsIn } from "./message";
import { merged, Tree } from "./tree";

const message = (id: string, parent: string | null, role: "user" | "assistant") => blank(id, parent, role, id, 0);
//  q1 ─ a1 ─ q2 ─ a2        q1 was answered twice; after a1 two things were asked
//     └ a1b    └ (q2b ─ a3)
const MESSAGES = [
  message("q1", null, "user"),
  message("a1", "q1", "assistant"),
  message("q2", "a1", "user"),
  message("a2", "q2", "assistant"),
  message("a1b", "q1", "assistant"),
  message("q2b", "a1", "user"),
  message("a3", "q2b", "assistant"),
];
const ids = (path: readonly { id: string }[]) => path.map((each) => each.id).join(" ");

describe("a conversation's tree", () => {
  const tree = new Tree(MESSAGES);

  it("shows the branch of a leaf, else the newest", () => {
    expect(ids(tree.branch("a2"))).toBe("q1 a1 q2 a2");
    expect(ids(tree.branch(null))).toBe("q1 a1b");
    expect(ids(tree.branch("gone"))).toBe("q1 a1b");
    expect(ids(tree.branch("a1"))).toBe("q1 a1");
    expect(ids(tree.branch("q2b"))).toBe("q1 a1 q2b a3");
    expect(ids(new Tree([]).branch(null))).toBe("");
  });

  it("knows siblings, and the way from one to the next round the end", () => {
    expect(ids(tree.siblings("q2"))).toBe("q2 q2b");
    expect(tree.beside("q2", 1)).toBe("a3");
    expect(tree.beside("q2", -1)).toBe("a3");
    expect(tree.beside("a1", 1)).toBe("a1b");
    expect(tree.beside("a1b", 1)).toBe("a3");
    expect(tree.beside("a2", 1)).toBeNull();
  });

  it("keeps what follows a message that is not there", () => {
    expect(ids(new Tree([message("a", "lost", "assistant")]).branch(null))).toBe("a");
  });

  it("takes a message in place of the one it was", () => {
    const news = { ...message("a2", "q2", "assistant"), text: "whole" };
    expect(merged(MESSAGES, [news, message("q9", null, "user")]).map((each) => each.text)).toEqual([
      "q1", "a1", "q2", "whole", "a1b", "q2b", "a3", "q9",
    ]);
  });
});

describe("a message", () => {
  it("is read from what the API tells", () => {
    const told = { id: "a", role: "assistant", text: "Hi", state: "failed" as const, created_at: "2026-11-26T12:00:00Z", error: "It broke." };
    const read = messageOf(told as never);
    expect(read?.trouble).toMatchObject({ message: "It broke.", stopped: "" });
    expect(read?.createdMs).toBe(Date.UTC(2026, 10, 26, 12));
    const more = {
      ...told, state: "interrupted" as const, stopped: "alone", first_token_ms: 250, rescued: [{ node: "orin0" }, { node: "agx0" }],
      attachments: [{ file: "f/1", name: "a.txt", media_type: "text/plain", size_bytes: 5 }],
    };
    expect(messageOf(more as never)).toMatchObject({
      firstTokenS: 0.25,
      trouble: { stopped: "alone" },
      rescues: [{ from: "", to: "orin0" }, { from: "orin0", to: "agx0" }],
      attached: [{ name: "a.txt", url: "/api/v1/files/f%2F1/content" }],
    });
  });

  it("has as many words as a person counts", () => {
    expect([wordsIn(""), wordsIn("  one\n two\tthree "), wordsIn("a-b c")]).toEqual([0, 3, 2]);
  });
});
