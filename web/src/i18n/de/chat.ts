import type { Same } from "../types";
import type en from "../en/chat";

export default {
  title: "Chat",
} satisfies Same<typeof en>;
