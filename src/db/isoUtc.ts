/** SQL text of an instant in UTC, cut to milliseconds as JavaScript writes instants. */
export function isoUtc(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** SQL of an instant as whole microseconds since the epoch: exact, so that pages neither skip nor repeat a row. */
export function microsOf(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000000)::bigint`;
}

/** SQL of the instant that a parameter of `microsOf` names. */
export function fromMicros(parameter: string): string {
  return `(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')`;
}
