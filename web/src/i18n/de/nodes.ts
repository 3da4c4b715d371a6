import type { Same } from "../types";
import type en from "../en/nodes";

export default {
  title: "Flotte",
} satisfies Same<typeof en>;
