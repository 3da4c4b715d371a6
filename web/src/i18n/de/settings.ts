import type { Same } from "../types";
import type en from "../en/settings";

export default {
  title: "Einstellungen",
} satisfies Same<typeof en>;
