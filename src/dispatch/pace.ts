/** How many calls may be under way at once, learnt from how they go. */
export interface Pace {
  readonly limit: number;
  /** How long a call takes while nobody queues, as far as is known; 0 before the first. */
  readonly swiftMs: number;
  /** A call was answered after so long: faster while that does not rise, slower once it does. */
  answered(milliseconds: number): void;
  /** The server is over its limits, or does not answer: half as fast. */
  refused(): void;
}

interface PaceOptions {
  start: number;
  most: number;
  /** A clock that only goes forward, in milliseconds. */
  now?: () => number;
}

/** Calls that were under way together fail together: that is one sign, not many. */
const oneSignMs = 500;
/** So many answers are judged together, or one for each call under way if that is more. */
const leastJudged = 8;
/** As many times as long as without a queue: the calls wait for each other, and more of them would wait longer. */
const queueing = 6;
const easing = 0.8;

/**
 * Additive increase, multiplicative decrease, on two signs: a refusal, and latency. The swiftest answers ever seen say
 * what a call costs without a queue; answers that take several times as long mean that the server has as much as it
 * can do, from us or from others. At a limit of one nobody queues behind us: then the server has become slower, and
 * what it takes now is the measure.
 */
export function createPace({ start, most, now = () => performance.now() }: PaceOptions): Pace {
  let limit = start;
  let swiftMs = 0;
  let refusedAt = Number.NEGATIVE_INFINITY;
  let judged: number[] = [];

  const whole = () => Math.max(1, Math.floor(limit));

  function judge(meanMs: number): void {
    if (swiftMs === 0 || meanMs < swiftMs || whole() === 1) swiftMs = meanMs;
    limit = meanMs > queueing * swiftMs ? Math.max(1, limit * easing) : Math.min(most, limit + 1);
  }

  return {
    get limit() {
      return whole();
    },
    get swiftMs() {
      return swiftMs;
    },
    answered(milliseconds) {
      judged.push(milliseconds);
      if (judged.length < Math.max(leastJudged, whole())) return;
      judge(judged.reduce((sum, each) => sum + each, 0) / judged.length);
      judged = [];
    },
    refused() {
      if (now() - refusedAt < oneSignMs) return;
      refusedAt = now();
      judged = [];
      limit = Math.max(1, limit / 2);
    },
  };
}
