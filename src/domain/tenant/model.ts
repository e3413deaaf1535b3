/** The languages that operations are addressed in. */
export const languages = ['zh', 'en'] as const;
export type Language = (typeof languages)[number];

/** From `from` (ISO 8601) on, the clock on the wall shows UTC plus so many minutes. */
export interface UtcOffset {
  from: string;
  minutes: number;
}

/**
 * Whom a workflow's words are for: their language, and their clock as plain offsets, the earliest first, so that
 * workflows need no table of time zones.
 */
export interface Reader {
  language: Language;
  timeZone: string;
  offsets: UtcOffset[];
}
