/** Seconds between attempts, after Standard Webhooks: ten attempts over three days. */
const retrySeconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/** A crowd of deliveries that failed together comes back spread over so much more of the wait. */
const jitterShare = 0.2;
const longestRetryAfterSeconds = 86_400;

const daySeconds = 86_400;
const failingSecondsUntilDisabled = 5 * daySeconds;
/** Longer than any wait of the schedule: who was not tried in between may have been well. */
const forgottenAfterSeconds = 2 * daySeconds;

/** From here on an endpoint counts as down: one delivery at a time feels whether it is back. */
const failuresUntilDown = 5;
const longestPauseSeconds = 300;

export interface RetryClock {
  now: Date;
  /** 1 in production; tests live faster. */
  timeScale: number;
}

/**
 * When to try again after the `tries`-th failure in a row of one delivery; null when the schedule is over. Never
 * before the instant the receiver asked for, as far as that is within a day. `jitter` is drawn from 0 to 1.
 */
export function nextAttemptAt(
  { tries, jitter, retryAfterSeconds = 0 }: { tries: number; jitter: number; retryAfterSeconds?: number },
  { now, timeScale }: RetryClock,
): Date | null {
  const seconds = retrySeconds[tries - 1];
  if (seconds === undefined) return null;
  const wait = seconds * (1 + jitterShare * jitter) * timeScale;
  const asked = Math.min(retryAfterSeconds, longestRetryAfterSeconds);
  return new Date(now.getTime() + Math.ceil(Math.max(wait, asked) * 1000));
}

/** How an endpoint has done lately: failures in a row, over all of its deliveries. */
export type EndpointHealth =
  | { failures: 0; failingSince: null; lastFailedAt: null }
  | { failures: number; failingSince: Date; lastFailedAt: Date };

export const healthy: EndpointHealth = { failures: 0, failingSince: null, lastFailedAt: null };

/** One more failure. Failures long ago, with nothing tried since, do not add up with today's. */
export function afterFailure(health: EndpointHealth, { now, timeScale }: RetryClock): EndpointHealth {
  const { lastFailedAt } = health;
  if (lastFailedAt === null || secondsBetween(lastFailedAt, now) > forgottenAfterSeconds * timeScale) {
    return { failures: 1, failingSince: now, lastFailedAt: now };
  }
  return { failures: health.failures + 1, failingSince: health.failingSince, lastFailedAt: now };
}

/** Five days of nothing but failures: nobody listens there any more. */
export function isBeyondHope(health: EndpointHealth, { now, timeScale }: RetryClock): boolean {
  return (
    health.failingSince !== null &&
    secondsBetween(health.failingSince, now) >= failingSecondsUntilDisabled * timeScale
  );
}

/** Whether only one delivery at a time may be sent. */
export function isDown(health: EndpointHealth): boolean {
  return health.failures >= failuresUntilDown;
}

/** The earliest instant at which an endpoint may be called again: at once, but for one that is down. */
export function callableAt(health: EndpointHealth, timeScale: number): Date {
  if (!isDown(health) || health.lastFailedAt === null) return new Date(0);
  const pause = Math.min(5 * 2 ** (health.failures - failuresUntilDown), longestPauseSeconds);
  return new Date(health.lastFailedAt.getTime() + pause * timeScale * 1000);
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
