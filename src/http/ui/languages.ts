// The languages of mail, in words and as a choice.
import { LANGUAGES, type Language } from "../../kernel/languages.ts";
import type { Option } from "./form.tsx";

export const LANGUAGE_NAMES: Record<Language, string> = {
  en: "English",
  de: "German",
  fr: "French",
  es: "Spanish",
  ja: "Japanese",
};

export const LANGUAGE_OPTIONS: readonly Option[] = LANGUAGES.map((language) => [
  language,
  LANGUAGE_NAMES[language],
]);
