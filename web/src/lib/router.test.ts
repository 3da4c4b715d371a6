import { describe, expect, it } from "vitest";

import { isOurs, pathOf, placeOf, signInPath } from "./router";

const at = (path: string) => placeOf(new URL(path, "http://potluck"));

describe("places", () => {
  it.each([
    ["/", "home", ""],
    ["/chat", "chat", ""],
    ["/chat/", "chat", ""],
    ["/chat/c_1", "chat", "c_1"],
    ["/nodes/attic%2F1", "nodes", "attic/1"],
    ["/admin/users", "admin", "users"],
    ["/share/abc", "share", "abc"],
  ])("%s is %s %s", (path, view, id) => {
    expect(at(path)).toMatchObject({ view, id });
  });

  it.each(["/sign-in", "/docs", "/chat/a/b", "/chat/%", "/constructor", "/api/v1/boot"])(
    "%s is not ours",
    (path) => {
      expect(at(path).view).toBe("lost");
    },
  );

  it("are written so that they are read back", () => {
    const path = pathOf("nodes", "a b/ü?#", { tab: "now" });
    expect(at(path)).toMatchObject({ view: "nodes", id: "a b/ü?#" });
    expect(at(path).query.get("tab")).toBe("now");
    expect(pathOf("home")).toBe("/");
  });

  it("of another origin are not ours", () => {
    expect(isOurs(new URL("http://other/chat"), "http://potluck")).toBe(false);
    expect(isOurs(new URL("http://potluck/chat"), "http://potluck")).toBe(true);
  });

  it("are come back to after signing in", () => {
    expect(signInPath(new URL("http://potluck/chat/1?a=b#c"))).toBe("/sign-in?next=%2Fchat%2F1%3Fa%3Db%23c");
  });
});
