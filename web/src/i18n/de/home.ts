import type { Same } from "../types";
import type en from "../en/home";

export default {
  title: "Start",
} satisfies Same<typeof en>;
