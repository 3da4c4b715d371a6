import type { Same } from "../types";
import type en from "../en/images";

export default {
  title: "Bilder",
} satisfies Same<typeof en>;
