/**
 * What may cross Temporal: JSON that means the same after parsing. Map, Set, Date, bigint and functions become
 * `never`, so that a message holding one does not compile. Instants cross as ISO 8601 text.
 */
export type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Element)[]
    ? Plain<Element>[]
    : T extends
          | bigint
          | symbol
          | Date
          | Map<unknown, unknown>
          | Set<unknown>
          | Uint8Array
          | ((...input: never[]) => unknown)
      ? never
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : never;

/** Activities whose inputs and answers are plain; one that is not turns into something nobody can call. */
export type PlainActivities<Activities> = {
  [Name in keyof Activities]: Activities[Name] extends (input: infer Input) => Promise<infer Answer>
    ? (input: Plain<Input>) => Promise<Plain<Answer>>
    : never;
};
