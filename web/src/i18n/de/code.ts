import type { Same } from "../types";
import type en from "../en/code";

export default {
  title: "Code",
} satisfies Same<typeof en>;
