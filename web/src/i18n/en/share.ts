export default {
  title: "Shared conversation",
  by: "Shared by {name}, {when}",
  files: { one: "{n} file", other: "{n} files" },
  "sign-in": "Sign in to read this",
  "sign-in-text": "This conversation is shared with people of this house.",
  "sign-in-link": "Sign in",
  gone: "Nothing is shared here",
  "gone-text": "The link was withdrawn, or is past its time.",
} as const;
