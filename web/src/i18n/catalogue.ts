// Every part of the catalogue, one file per view, in each language. A part is loaded with its view.
import type { Messages } from "./types";

const en = {
  admin: () => import("./en/admin"),
  chat: () => import("./en/chat"),
  code: () => import("./en/code"),
  home: () => import("./en/home"),
  images: () => import("./en/images"),
  message: () => import("./en/message"),
  nodes: () => import("./en/nodes"),
  settings: () => import("./en/settings"),
  share: () => import("./en/share"),
  common: () => import("./en/common"),
};
export type Part = keyof typeof en;

const de: Record<Part, () => Promise<{ default: Messages }>> = {
  admin: () => import("./de/admin"),
  chat: () => import("./de/chat"),
  code: () => import("./de/code"),
  common: () => import("./de/common"),
  home: () => import("./de/home"),
  images: () => import("./de/images"),
  message: () => import("./de/message"),
  nodes: () => import("./de/nodes"),
  settings: () => import("./de/settings"),
  share: () => import("./de/share"),
};

export const LANGUAGES = { en, de } as const;
export type Language = keyof typeof LANGUAGES;

type Texts<P extends Part> = Awaited<ReturnType<(typeof en)[P]>>["default"];
/** "part.key" of everything that can be said. */
export type Key = { [P in Part]: `${P}.${keyof Texts<P> & string}` }[Part];
