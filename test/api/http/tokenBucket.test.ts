import fc from 'fast-check';
import { createTokenBucket } from '../../../src/api/http/tokenBucket';

const pace = fc.record({
  perSecond: fc.integer({ min: 1, max: 5_000 }),
  burst: fc.integer({ min: 1, max: 200 }),
});
const pausesMs = fc.array(
  fc.integer({ min: 0, max: 400 }).map((tenths) => tenths / 10),
  {
    minLength: 1,
    maxLength: 300,
  },
);

/** The instants at which somebody who asks after each pause is let through. */
function passes({ perSecond, burst }: { perSecond: number; burst: number }, pauses: number[]): number[] {
  const clock = { ms: 0 };
  const bucket = createTokenBucket({ perSecond, burst }, () => clock.ms);
  return pauses.flatMap((pause) => {
    clock.ms += pause;
    if (!bucket.has()) return [];
    bucket.take();
    return [clock.ms];
  });
}

test('in no span of time does more pass than rate × span + burst', () => {
  fc.assert(
    fc.property(pace, pausesMs, (rate, pauses) => {
      const times = passes(rate, pauses);
      for (const [first, from] of times.entries()) {
        for (let last = first; last < times.length; last += 1) {
          const seconds = ((times[last] as number) - from) / 1000;
          expect(last - first + 1).toBeLessThanOrEqual(rate.perSecond * seconds + rate.burst + 1e-6);
        }
      }
    }),
  );
});

test('nobody is refused who has kept to the rate: whoever waits for one token each time gets one', () => {
  fc.assert(
    fc.property(pace, fc.integer({ min: 1, max: 300 }), (rate, calls) => {
      // a hair more than the time of one token: sums of floating point are not exact
      const pauses = Array.from({ length: calls }, () => (1000 / rate.perSecond) * 1.000001);
      expect(passes(rate, pauses)).toHaveLength(calls);
    }),
  );
});

test('asking takes nothing, however often', () => {
  fc.assert(
    fc.property(pace, fc.integer({ min: 1, max: 1_000 }), (rate, asks) => {
      const bucket = createTokenBucket(rate, () => 0);
      for (let n = 0; n < asks; n += 1) expect(bucket.has()).toBe(true);
    }),
  );
});
