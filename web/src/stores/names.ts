// Names that nobody else has.

/** 128 bits. Not `randomUUID`: that is for secure origins, and a house's own address is none. */
export function newName(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
