import fc from 'fast-check';
import {
  freeUnits,
  isUsable,
  poolSellable,
  remainingLifeDays,
  siteSellable,
} from '../../../src/domain/inventory/availability';
import { byExpiry, takeFefo } from '../../../src/domain/inventory/fefo';
import { addDays } from '../../../src/domain/network/calendar';
import { someLot } from '../arbitrary';

const lots = fc
  .array(someLot(), { maxLength: 6 })
  .map((list) => list.map((lot, index) => ({ ...lot, lotId: `l${index}` })));

test('never more than asked, never more than a lot has, and all of it when there is enough', () => {
  fc.assert(
    fc.property(lots, fc.nat(60), (usable, quantity) => {
      const takes = takeFefo(usable, quantity);
      const free = usable.reduce((sum, lot) => sum + freeUnits(lot), 0);
      expect(takes.reduce((sum, take) => sum + take.quantity, 0)).toBe(Math.min(quantity, free));
      for (const take of takes) {
        const lot = usable.find((candidate) => candidate.lotId === take.lotId);
        expect(take.quantity).toBeGreaterThan(0);
        expect(take.quantity).toBeLessThanOrEqual(freeUnits(lot as NonNullable<typeof lot>));
      }
      expect(new Set(takes.map((take) => take.lotId)).size).toBe(takes.length);
    }),
  );
});

test('earliest expiry first: nothing is taken from a lot while an earlier one has units left', () => {
  fc.assert(
    fc.property(lots, fc.nat(60), (usable, quantity) => {
      const taken = new Map(takeFefo(usable, quantity).map((take) => [take.lotId, take.quantity]));
      for (const lot of usable.filter((each) => taken.has(each.lotId))) {
        for (const earlier of usable.filter((each) => byExpiry(each, lot) < 0)) {
          expect(taken.get(earlier.lotId) ?? 0).toBe(freeUnits(earlier));
        }
      }
    }),
  );
});

test('the order of the rows does not matter', () => {
  fc.assert(
    fc.property(lots, fc.nat(60), (usable, quantity) => {
      expect(takeFefo([...usable].reverse(), quantity)).toEqual(takeFefo(usable, quantity));
    }),
  );
});

test('a site gives its usable free units less its safety stock, the pool their sum less its own; never below zero', () => {
  fc.assert(
    fc.property(fc.array(lots, { maxLength: 4 }), fc.nat(20), fc.nat(20), (sites, siteLine, poolLine) => {
      const perSite = sites.map((usable) => siteSellable(usable, siteLine));
      for (const [index, units] of perSite.entries()) {
        const free = (sites[index] ?? []).reduce((sum, lot) => sum + freeUnits(lot), 0);
        expect(units).toBe(Math.max(0, free - siteLine));
      }
      const pool = poolSellable(perSite, poolLine);
      expect(pool).toBe(Math.max(0, perSite.reduce((sum, units) => sum + units, 0) - poolLine));
    }),
  );
});

test('usable is enough life left on the day; on its last day a lot has none left but is still good', () => {
  expect(remainingLifeDays('2026-11-24', '2026-11-24')).toBe(0);
  fc.assert(
    fc.property(someLot(), fc.nat(40), fc.nat(10), (lot, daysAhead, minimum) => {
      const on = addDays('2026-11-24', daysAhead);
      expect(isUsable(lot, on, minimum)).toBe(addDays(on, minimum) <= lot.expiresOn);
    }),
  );
});
