import fc from 'fast-check';
import { judgeStockout, missedShareOf, type SlotChange } from '../../../src/domain/forecast/stockout';

const evening = 20 * 6;
const site = (free: number, safetyStock = 0, siteId = 'central') => ({ siteId, free, safetyStock });
const change = (slot: number, delta: number, siteId = 'central'): SlotChange => ({ siteId, slot, delta });

test('sold out at eight in the evening: four hours are missed', () => {
  expect(judgeStockout({ sites: [site(50)], changes: [change(evening, -50)], safetyStock: 0 })).toEqual({
    stockout: true,
    missedMinutes: 240,
  });
});

test('a gap of less than an hour is no stockout; nor is the night', () => {
  const gap = [change(evening, -50), change(evening + 5, 50)];
  expect(judgeStockout({ sites: [site(50)], changes: gap, safetyStock: 0 })).toEqual({
    stockout: false,
    missedMinutes: 50,
  });
  const night = [change(36, 10)];
  expect(judgeStockout({ sites: [site(0)], changes: night, safetyStock: 0 }).stockout).toBe(false);
});

test('the safety line counts as sold out: each site’s own, then the SKU’s', () => {
  const judge = (sites: ReturnType<typeof site>[], safetyStock: number) =>
    judgeStockout({ sites, changes: [], safetyStock }).stockout;
  expect(judge([site(5, 5)], 0)).toBe(true);
  expect(judge([site(6, 5)], 0)).toBe(false);
  expect(judge([site(6, 5)], 1)).toBe(true);
  // one site below its line takes nothing from what another may offer
  expect(judge([site(1, 5), site(3, 0, 'forward')], 2)).toBe(false);
});

test('never stocked is sold out all day', () => {
  const { stockout, missedMinutes } = judgeStockout({ sites: [], changes: [], safetyStock: 0 });
  expect(stockout).toBe(true);
  expect(missedShareOf(missedMinutes)).toBe(1);
});

test('more goods never miss more minutes, and the order of the changes does not matter', () => {
  const someChanges = fc.array(
    fc.record({
      siteId: fc.constantFrom('central', 'forward'),
      slot: fc.nat(143),
      delta: fc.integer({ min: -20, max: 20 }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(someChanges, fc.nat(40), fc.nat(10), (changes, free, more) => {
      const judge = (units: number, moved: SlotChange[]) =>
        judgeStockout({ sites: [site(units, 3), site(free, 0, 'forward')], changes: moved, safetyStock: 2 });
      const fewer = judge(free, changes);
      expect(judge(free + more, changes).missedMinutes).toBeLessThanOrEqual(fewer.missedMinutes);
      expect(judge(free, [...changes].reverse())).toEqual(fewer);
      expect(missedShareOf(fewer.missedMinutes)).toBeLessThanOrEqual(1);
    }),
  );
});
