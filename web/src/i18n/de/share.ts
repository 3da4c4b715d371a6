import type { Same } from "../types";
import type en from "../en/share";

export default {
  title: "Geteiltes Gespräch",
} satisfies Same<typeof en>;
