// Everything that the page says, in its languages.

import { ENGLISH } from "./english.mjs";
import { CHINESE } from "./chinese.mjs";

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };

// The language that was asked for, or the browser's first one that the page speaks.
export function chooseLanguage(asked, preferred) {
  const known = [asked, ...preferred].map((tag) => tag?.toLowerCase().split("-")[0]);
  return known.find((tag) => Object.hasOwn(LANGUAGES, tag ?? "")) ?? "en";
}
