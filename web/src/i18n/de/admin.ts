import type { Same } from "../types";
import type en from "../en/admin";

export default {
  title: "Verwaltung",
} satisfies Same<typeof en>;
