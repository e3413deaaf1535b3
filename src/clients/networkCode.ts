/** The system's or the HTTP library's code, wherever in the chain of causes it stands; never their message. */
export function networkCode(error: unknown): string {
  let at = error as { code?: unknown; cause?: unknown } | null | undefined;
  for (let depth = 0; typeof at === 'object' && at !== null && depth < 4; depth += 1) {
    if (typeof at.code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(at.code)) return at.code;
    at = at.cause as typeof at;
  }
  return 'no code';
}
