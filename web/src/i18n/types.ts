// A message is a text with {names}, or one text for each plural form of `n`.

export interface Plural {
  readonly one: string;
  readonly other: string;
}
export type Message = string | Plural;
export type Messages = Readonly<Record<string, Message>>;

/** What a translation must be: the same keys, and plurals where the original has them. */
export type Same<Original extends Messages> = {
  readonly [Key in keyof Original]: Original[Key] extends string ? string : Plural;
};
