import fc from 'fast-check';
import { createFairShare, levelOf, protectiveLevel } from '../../../src/api/http/fairShare';

const demands = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { minLength: 1, maxLength: 20 });
const capacity = fc.double({ min: 0, max: 20_000, noNaN: true });

describe('a level', () => {
  test('shares out the capacity, all of it and no more, and only when there is too little', () => {
    fc.assert(
      fc.property(capacity, demands, (most, asked) => {
        const level = levelOf(most, asked);
        const given = asked.reduce((sum, demand) => sum + Math.min(demand, level), 0);
        const wanted = asked.reduce((sum, demand) => sum + demand, 0);
        expect(given).toBeCloseTo(Math.min(most, wanted), 4);
      }),
    );
  });

  test('nobody gets less than an equal part unless it asks for less', () => {
    fc.assert(
      fc.property(capacity, demands, (most, asked) => {
        expect(levelOf(most, asked)).toBeGreaterThanOrEqual(most / asked.length - 1e-6);
      }),
    );
  });
});

describe('a level that protects', () => {
  const world = fc.record({ demands, mark: fc.double({ min: 0.05, max: 1, noNaN: true }) });

  test('leaves between the mark and the whole, and stands between those it holds back and those it protects', () => {
    fc.assert(
      fc.property(capacity, world, (whole, { demands: asked, mark }) => {
        const level = protectiveLevel(whole, { demands: asked, mark });
        if (level === Number.POSITIVE_INFINITY) return;
        const given = asked.reduce((sum, demand) => sum + Math.min(demand, level), 0);
        expect(given).toBeGreaterThanOrEqual(whole * mark - 1e-6);
        expect(given).toBeLessThanOrEqual(whole + 1e-6);
        expect(asked.some((demand) => demand <= level)).toBe(true);
        expect(asked.some((demand) => demand > level)).toBe(true);
      }),
    );
  });

  test('one that floods is held to the mark less what the others ask for', () => {
    expect(protectiveLevel(1_000, { demands: [40, 900], mark: 0.4 })).toBeCloseTo(360);
    expect(protectiveLevel(1_000, { demands: [900], mark: 0.4 })).toBe(Number.POSITIVE_INFINITY);
    expect(protectiveLevel(1_000, { demands: [600, 900], mark: 0.4 })).toBe(Number.POSITIVE_INFINITY);
    expect(protectiveLevel(1_000, { demands: [40, 300], mark: 0.4 })).toBe(Number.POSITIVE_INFINITY);
  });
});

/** A process whose every order costs its loop some milliseconds, and tenants that hand in so many a second. */
function simulate({ msAnOrder, busyPercent = 40 }: { msAnOrder: number; busyPercent?: number }) {
  const clock = { ms: 0, workedMs: 0 };
  const share = createFairShare({
    busyPercent,
    now: () => clock.ms,
    loopMilliseconds: () => clock.workedMs,
  });
  const taken = new Map<string, number>();

  function handIn(tenant: string): boolean {
    share.asked(tenant);
    const name = `${tenant} ${Math.floor(clock.ms / 100)}`;
    const before = taken.get(name) ?? 0;
    if (share.isAbove(tenant) && before >= share.level() / 10) return false;
    taken.set(name, before + 1);
    share.admitted();
    clock.workedMs += msAnOrder;
    return true;
  }

  return {
    share,
    /** What was asked and let in, by tenant, and how busy the loop was. */
    run(seconds: number, rates: Record<string, number>) {
      const counts = new Map(Object.keys(rates).map((tenant) => [tenant, { asked: 0, letIn: 0 }]));
      const [from, workedBefore] = [clock.ms, clock.workedMs];
      while (clock.ms < from + seconds * 1000) {
        clock.ms += 1;
        for (const [tenant, perSecond] of Object.entries(rates)) {
          const count = counts.get(tenant) as { asked: number; letIn: number };
          while (count.asked < ((clock.ms - from) / 1000) * perSecond) {
            count.asked += 1;
            if (handIn(tenant)) count.letIn += 1;
          }
        }
      }
      const busyPercent = ((clock.workedMs - workedBefore) / (clock.ms - from)) * 100;
      const perSecond = Object.fromEntries(
        [...counts].map(([tenant, { letIn }]) => [tenant, letIn / seconds]),
      );
      return { busyPercent, perSecond };
    },
  };
}

describe('shares', () => {
  test('a tenant alone has the whole process, however busy it is', () => {
    const { perSecond, busyPercent } = simulate({ msAnOrder: 1 }).run(3, { flood: 900 });
    expect(perSecond.flood).toBeCloseTo(900, 0);
    expect(busyPercent).toBeGreaterThan(85);
  });

  test('with another there a flood is held to what leaves the loop free, and the other gets all it asks for', () => {
    const world = simulate({ msAnOrder: 0.8 });
    world.run(1, { small: 40, flood: 800 });
    const { perSecond, busyPercent } = world.run(5, { small: 40, flood: 800 });
    expect(perSecond.small).toBeCloseTo(40, 0);
    expect(busyPercent).toBeGreaterThan(34);
    expect(busyPercent).toBeLessThan(46);
  });

  test('a small one that comes in little crowds is never taken for a flood', () => {
    const world = simulate({ msAnOrder: 0.8 });
    let refused = 0;
    for (let second = 0; second < 20; second += 1) {
      world.run(0.9, { small: 20, flood: 800 });
      // all at once what is usual for half a second
      const { perSecond } = world.run(0.1, { small: 200, flood: 800 });
      refused += 20 - (perSecond.small as number) / 10;
    }
    expect(refused).toBe(0);
  });

  test('two floods get the same, and who asks for little nothing less', () => {
    const world = simulate({ msAnOrder: 0.5 });
    world.run(2, { small: 30, one: 1_000, two: 2_000 });
    const { perSecond, busyPercent } = world.run(5, { small: 30, one: 1_000, two: 2_000 });
    expect(perSecond.small).toBeCloseTo(30, 0);
    // half of what a flood alone would leave idle
    expect(busyPercent).toBeGreaterThan(60);
    expect(busyPercent).toBeLessThan(80);
    expect((perSecond.one as number) / (perSecond.two as number)).toBeCloseTo(1, 1);
  });

  test('nobody is held back while there is enough for all', () => {
    const { perSecond } = simulate({ msAnOrder: 0.2 }).run(5, { small: 40, big: 800 });
    expect(perSecond).toEqual({ small: 40, big: 800 });
  });

  test('an evening on which everybody sells much holds nobody back: there is nobody to protect', () => {
    const rates = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`tenant-${n}`, 55]));
    expect(simulate({ msAnOrder: 0.9 }).run(5, rates).perSecond).toEqual(rates);
  });

  test('when the other has gone the flood has the process to itself again', () => {
    const world = simulate({ msAnOrder: 0.8 });
    world.run(3, { small: 40, flood: 800 });
    world.run(4, { flood: 800 });
    expect(world.run(2, { flood: 800 }).perSecond.flood).toBeCloseTo(800, 0);
  });

  test('fifty a second are everybody’s, whatever else keeps the loop busy', () => {
    const world = simulate({ msAnOrder: 18 });
    world.run(3, { one: 50, two: 50 });
    expect(world.run(3, { one: 50, two: 50 }).perSecond).toEqual({ one: 50, two: 50 });
  });

  test('switched off it holds nobody back', () => {
    const world = simulate({ msAnOrder: 0.8, busyPercent: 0 });
    expect(world.run(3, { small: 40, flood: 800 }).perSecond).toEqual({ small: 40, flood: 800 });
  });
});
