export default {
  title: "Code",
} as const;
