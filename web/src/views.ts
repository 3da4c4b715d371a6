// Every view, its component and its texts: loaded when it is first shown.
import type { Component } from "svelte";

import type { Part } from "./i18n/index.svelte";
import type { View } from "./lib/router";

type Shown = Exclude<View, "lost">;
type Loader = () => Promise<{ default: Component<{ id: string }> }>;

export const VIEWS: Readonly<Record<Shown, { part: Part; load: Loader }>> = {
  home: { part: "home", load: () => import("./views/home/Home.svelte") },
  chat: { part: "chat", load: () => import("./views/chat/Chat.svelte") },
  code: { part: "code", load: () => import("./views/code/Code.svelte") },
  images: { part: "images", load: () => import("./views/images/Images.svelte") },
  nodes: { part: "nodes", load: () => import("./views/nodes/Nodes.svelte") },
  admin: { part: "admin", load: () => import("./views/admin/Admin.svelte") },
  settings: { part: "settings", load: () => import("./views/settings/Settings.svelte") },
  share: { part: "share", load: () => import("./views/share/Share.svelte") },
};
