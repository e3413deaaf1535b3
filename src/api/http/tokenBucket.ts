/** What a bucket lets through: so many a second, and `burst` at once after a rest. */
export interface Pace {
  perSecond: number;
  burst: number;
}

export interface TokenBucket {
  /** Whether one more may pass now. Takes nothing. */
  has(): boolean;
  take(): void;
}

/**
 * A token bucket: in any span of s seconds at most `perSecond × s + burst` pass. It counts nothing between calls, so
 * thousands of idle ones cost nothing. `now` is in milliseconds and never goes back.
 */
export function createTokenBucket({ perSecond, burst }: Pace, now: () => number): TokenBucket {
  let tokens = burst;
  let at = now();

  function refill(): void {
    const instant = now();
    tokens = Math.min(burst, tokens + ((instant - at) / 1000) * perSecond);
    at = instant;
  }

  return {
    has() {
      refill();
      return tokens >= 1;
    },
    take() {
      refill();
      tokens -= 1;
    },
  };
}
