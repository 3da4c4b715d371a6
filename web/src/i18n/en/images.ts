export default {
  title: "Images",
} as const;
