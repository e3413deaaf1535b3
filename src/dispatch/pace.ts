/** How many calls may be under way at once, learnt from how they go. */
export interface Pace {
  readonly limit: number;
  /** A call went well: a little faster. */
  quicken(): void;
  /** The server is over its limits: half as fast. */
  slacken(): void;
}

/** Additive increase, multiplicative decrease: finds the server's limit and shares it with other dispatchers. */
export function createPace({ start, most }: { start: number; most: number }): Pace {
  let limit = start;
  let slackenedAt = 0;
  return {
    get limit() {
      return Math.max(1, Math.floor(limit));
    },
    quicken() {
      limit = Math.min(most, limit + 1 / limit);
    },
    slacken() {
      // calls that were under way together fail together: that is one sign, not many
      if (Date.now() - slackenedAt < 500) return;
      slackenedAt = Date.now();
      limit = Math.max(1, limit / 2);
    },
  };
}
