export default {
  title: "Shared conversation",
} as const;
