import fc from 'fast-check';
import {
  afterFailure,
  callableAt,
  type EndpointHealth,
  healthy,
  isBeyondHope,
  isDown,
  nextAttemptAt,
} from '../../../src/domain/webhook/retry';

const now = new Date('2026-11-25T03:00:00Z');
const clock = { now, timeScale: 1 };
const later = (seconds: number) => ({ now: new Date(now.getTime() + seconds * 1000), timeScale: 1 });
const hour = 3600;
const day = 24 * hour;

function waits(jitter: number): (number | null)[] {
  return Array.from({ length: 10 }, (_, index) => {
    const at = nextAttemptAt({ tries: index + 1, jitter }, clock);
    return at === null ? null : (at.getTime() - now.getTime()) / 1000;
  });
}

test('ten attempts over three days', () => {
  expect(waits(0)).toEqual([
    5,
    300,
    1800,
    2 * hour,
    5 * hour,
    10 * hour,
    14 * hour,
    20 * hour,
    24 * hour,
    null,
  ]);
  const total = waits(0).reduce<number>((sum, wait) => sum + (wait ?? 0), 0);
  expect(total).toBeGreaterThanOrEqual(3 * day);
  expect(waits(1)[8]).toBe(24 * hour * 1.2);
});

test('never before the receiver asked for, nor later than a day for its sake', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 10 * day }),
      (tries, jitter, retryAfterSeconds) => {
        const plain = nextAttemptAt({ tries, jitter }, clock) as Date;
        const asked = nextAttemptAt({ tries, jitter, retryAfterSeconds }, clock) as Date;
        const asSeconds = (asked.getTime() - now.getTime()) / 1000;
        expect(asked.getTime()).toBeGreaterThanOrEqual(plain.getTime());
        expect(asSeconds).toBeGreaterThanOrEqual(Math.min(retryAfterSeconds, day));
        expect(asSeconds).toBeLessThanOrEqual(1.2 * day);
      },
    ),
  );
});

test('a scaled clock shortens the schedule', () => {
  const at = nextAttemptAt({ tries: 2, jitter: 0 }, { now, timeScale: 0.001 });
  expect(at?.getTime()).toBe(now.getTime() + 300);
});

test('five days of failures are beyond hope, and one success forgets them', () => {
  let health: EndpointHealth = healthy;
  for (let hours = 0; hours < 120; hours += 20) {
    health = afterFailure(health, later(hours * hour));
    expect(isBeyondHope(health, later(hours * hour))).toBe(false);
  }
  const last = later(120 * hour);
  expect(isBeyondHope(afterFailure(health, last), last)).toBe(true);
  expect(isBeyondHope(healthy, last)).toBe(false);
});

test('a failure long after the last one begins to count anew', () => {
  const health = afterFailure(healthy, clock);
  const much = later(6 * day);
  expect(afterFailure(health, much)).toEqual({ failures: 1, failingSince: much.now, lastFailedAt: much.now });
});

test('an endpoint that is down is felt for, ever more seldom, at least every five minutes', () => {
  let health: EndpointHealth = healthy;
  const pauses: number[] = [];
  for (let failures = 1; failures <= 14; failures += 1) {
    health = afterFailure(health, clock);
    expect(isDown(health)).toBe(failures >= 5);
    pauses.push(Math.max(0, (callableAt(health, 1).getTime() - now.getTime()) / 1000));
  }
  expect(pauses).toEqual([0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]);
  expect(callableAt(healthy, 1).getTime()).toBe(0);
});
