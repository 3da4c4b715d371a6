import { expect, it } from "vitest";

import { dictated, type Recognizer, recognizerOf, staysHere } from "./dictation";

const recognizer = (available?: Recognizer["available"]) => Object.assign(class {}, { available }) as unknown as Recognizer;

it("finds what a browser has, under either name", () => {
  const one = recognizer();
  expect([recognizerOf({ SpeechRecognition: one }), recognizerOf({ webkitSpeechRecognition: one }), recognizerOf({})]).toEqual([one, one, null]);
});

it("takes sound for leaving the device unless the browser says that it stays", async () => {
  const says = (what: string) => recognizer(async () => what);
  expect(await staysHere(says("available"), "en")).toBe(true);
  expect(await staysHere(says("downloadable"), "en")).toBe(false);
  expect(await staysHere(recognizer(), "en")).toBe(false);
  expect(await staysHere(recognizer(async () => Promise.reject(new Error("no such language"))), "xx")).toBe(false);
});

it("puts what was said behind what stands there", () => {
  expect([dictated("", " Hello "), dictated("Hello ", "there"), dictated("Hello", "  ")]).toEqual(["Hello", "Hello there", "Hello"]);
});
