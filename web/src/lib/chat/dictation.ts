// Speech as browsers recognise it: the few parts of their API that are used, which TypeScript does not know, and where the
// sound goes. Pure: what the browser has is an argument.

export interface Recognition {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  /** On this device alone; not there where a browser cannot. */
  processLocally?: boolean;
  onresult: ((event: { resultIndex: number; results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }> }) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
}

export interface Recognizer {
  new (): Recognition;
  available?: (wanted: { langs: string[]; processLocally: boolean }) => Promise<string>;
}

/** What a browser has for it; null for nothing. */
export function recognizerOf(globals: object): Recognizer | null {
  const { SpeechRecognition, webkitSpeechRecognition } = globals as { SpeechRecognition?: Recognizer; webkitSpeechRecognition?: Recognizer };
  return SpeechRecognition ?? webkitSpeechRecognition ?? null;
}

/** Whether it recognises a language on this device, so that no sound leaves it. What does not say so may send it anywhere. */
export async function staysHere(recognizer: Recognizer, lang: string): Promise<boolean> {
  try {
    return (await recognizer.available?.({ langs: [lang], processLocally: true })) === "available";
  } catch {
    return false; // a language that it does not know
  }
}

/** A text with what was said behind it. */
export function dictated(text: string, said: string): string {
  const words = said.trim();
  if (words === "") return text;
  return text === "" ? words : `${text.trimEnd()} ${words}`;
}
