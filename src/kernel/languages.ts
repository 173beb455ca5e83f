// The languages that customers are written to in.

/** Subtags of BCP 47. The first is the default. */
export const LANGUAGES = ["en", "de", "fr", "es", "ja"] as const;

export type Language = (typeof LANGUAGES)[number];
