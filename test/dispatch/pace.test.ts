import fc from 'fast-check';
import { createHeat, yieldTo } from '../../src/dispatch/heat';
import { createPace } from '../../src/dispatch/pace';
import { createPatience } from '../../src/dispatch/patience';

/** A server that answers within `swiftMs` while no more than `capacity` calls are under way, and queues the others. */
function workWith(pace: ReturnType<typeof createPace>, server: { swiftMs: number; capacity: number }): void {
  const queue = Math.max(1, pace.limit / server.capacity);
  pace.answered(server.swiftMs * queue);
}

describe('the pace', () => {
  const sign = fc.oneof(
    fc.double({ min: 0.1, max: 5000, noNaN: true }),
    fc.constant('refused' as const),
    fc.constant('later' as const),
  );

  test('is never below one nor above the most, whatever happens, and recovers', () => {
    fc.assert(
      fc.property(
        fc.array(sign, { maxLength: 400 }),
        fc.integer({ min: 1, max: 64 }),
        fc.double({ min: 0.1, max: 5000, noNaN: true }),
        (signs, most, latency) => {
          let time = 0;
          const pace = createPace({ start: Math.min(8, most), most, now: () => time });
          for (const each of signs) {
            if (each === 'refused') pace.refused();
            else if (each === 'later') time += 500;
            else pace.answered(each);
            expect(pace.limit).toBeGreaterThanOrEqual(1);
            expect(pace.limit).toBeLessThanOrEqual(most);
          }
          // a server that answers alike for long enough is given all, whatever it was before
          for (let call = 0; call < 64 * 64 * 4; call += 1) pace.answered(latency);
          expect(pace.limit).toBe(most);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('settles where the server has all that it can do, and not far beyond', () => {
    const pace = createPace({ start: 2, most: 64 });
    const limits: number[] = [];
    for (let call = 0; call < 20_000; call += 1) {
      workWith(pace, { swiftMs: 5, capacity: 3 });
      limits.push(pace.limit);
    }
    const settled = limits.slice(10_000);
    expect(Math.min(...settled)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...settled)).toBeLessThanOrEqual(3 * 6 + 1);
  });

  test('falls while others take the server, and comes back when they leave', () => {
    const pace = createPace({ start: 8, most: 16 });
    for (let call = 0; call < 2000; call += 1) pace.answered(5);
    expect(pace.limit).toBe(16);
    for (let call = 0; call < 100; call += 1) pace.answered(100);
    expect(pace.limit).toBeLessThanOrEqual(8);
    for (let call = 0; call < 2000; call += 1) pace.answered(5);
    expect(pace.limit).toBe(16);
  });

  test('is halved by a refusal, once for those that were under way together', () => {
    let time = 10_000;
    const pace = createPace({ start: 16, most: 64, now: () => time });
    pace.refused();
    pace.refused();
    expect(pace.limit).toBe(8);
    time += 600;
    pace.refused();
    expect(pace.limit).toBe(4);
  });
});

describe('the heat of intake', () => {
  function watch() {
    let time = 0;
    let written = 1000;
    const heat = createHeat({ now: () => time });
    /** A quarter of a second in which so many were written. */
    const look = (perSecond: number, answerMs = 1) => {
      time += 250;
      written += perSecond / 4;
      heat.look({ written, answerMs });
      return heat.level;
    };
    heat.look({ written, answerMs: 1 });
    return look;
  }

  test('an ordinary evening is calm, a burst is hot at once, and over within seconds', () => {
    const look = watch();
    for (let round = 0; round < 20; round += 1) expect(look(80)).toBe(0);
    expect(look(2000)).toBe(1);
    expect(look(0)).toBe(1);
    let rounds = 0;
    while (look(0) > 0) rounds += 1;
    expect(rounds / 4).toBeLessThan(4);
  });

  test('PostgreSQL that hardly answers is as good a sign, one slow answer is half of it', () => {
    const look = watch();
    expect(look(0, 240)).toBeLessThan(0.5);
    expect(look(0, 400)).toBeGreaterThan(0.9);
    for (let round = 0; round < 10; round += 1) look(0, 2);
    expect(look(0, 2)).toBe(0);
  });

  test('is between 0 and 1 whatever is seen', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1e9), fc.nat(1e6), fc.nat(1e5))), (looks) => {
        let time = 0;
        const heat = createHeat({ now: () => time });
        for (const [elapsed, written, answerMs] of looks) {
          time += elapsed;
          heat.look({ written, answerMs });
          expect(heat.level).toBeGreaterThanOrEqual(0);
          expect(heat.level).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('patience', () => {
  function started(level: number, { seconds, waited = 0 }: { seconds: number; waited?: number }): number {
    let time = 0;
    const patience = createPatience({ heat: { level }, now: () => time });
    let starts = 0;
    for (; time < seconds * 1000; time += 100) {
      const allowed = patience.allowed(256);
      starts += allowed;
      if (allowed > 0) patience.took(allowed, waited);
    }
    return starts;
  }

  test('unpaid orders all but stop while intake is hottest, and go as they can when it is calm', () => {
    expect(started(1, { seconds: 10 })).toBeGreaterThanOrEqual(20);
    expect(started(1, { seconds: 10 })).toBeLessThanOrEqual(22);
    expect(started(0, { seconds: 1 })).toBe(2560);
    const half = started(0.5, { seconds: 10 });
    expect(half).toBeGreaterThan(250);
    expect(half).toBeLessThan(400);
  });

  test('what has waited out a burst goes on however hot it is', () => {
    expect(started(1, { seconds: 10, waited: 90 })).toBeGreaterThan(10_000);
  });

  test('what rests while intake is hot is done all the same now and then', async () => {
    let time = 0;
    let rounds = 0;
    const heat = { level: 1 };
    const round = yieldTo(heat, {
      atMostMs: 1000,
      now: () => time,
      round: async () => {
        rounds += 1;
        return 'idle';
      },
    });
    const stop = new AbortController().signal;
    for (; time < 10_000; time += 100) await round(stop);
    expect(rounds).toBe(9);
    heat.level = 0;
    await round(stop);
    expect(rounds).toBe(10);
  });
});
