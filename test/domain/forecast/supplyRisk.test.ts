import fc from 'fast-check';
import { shareConfirmed } from '../../../src/domain/forecast/confirmedShare';
import { byPromise, planSupplyRisk } from '../../../src/domain/forecast/supplyRisk';
import { addDays } from '../../../src/domain/network/calendar';

const day = (ahead: number) => addDays('2026-11-02', ahead);
const order = (orderId: string, units: number, due: number, paidAt = 0) => ({
  orderId,
  units,
  dueOn: day(due),
  paidAt,
});

test('the latest promises are at risk first', () => {
  const promised = [order('c', 2, 5, 3), order('a', 2, 3), order('b', 2, 5, 1)];
  expect(
    planSupplyRisk(promised, [
      { date: day(3), units: 4 },
      { date: day(6), units: 0 },
    ]),
  ).toEqual({
    shortUnits: 2,
    orderIds: ['c'],
    firstShortOn: day(5),
  });
});

test('goods that come after the day keep no promise of it', () => {
  const risk = planSupplyRisk([order('a', 5, 2)], [{ date: day(3), units: 50 }]);
  expect(risk).toEqual({ shortUnits: 5, orderIds: ['a'], firstShortOn: day(2) });
});

test('what is due after the last known day is not judged, and no supply says nothing', () => {
  expect(planSupplyRisk([order('a', 5, 9)], [{ date: day(3), units: 0 }]).shortUnits).toBe(0);
  expect(planSupplyRisk([order('a', 5, 1)], []).shortUnits).toBe(0);
});

const someOrders = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(8), fc.nat(3)), { maxLength: 12 })
  .map((list) => list.map(([units, due, paidAt], index) => order(`o${index}`, units, due, paidAt)));
const someSupply = fc
  .array(fc.nat(8), { minLength: 1, maxLength: 9 })
  .map((list) => list.map((units, index) => ({ date: day(index), units })));

test('short units are of the orders at risk, more supply never puts more at risk, and order does not matter', () => {
  fc.assert(
    fc.property(someOrders, someSupply, fc.nat(8), (promised, supply, more) => {
      const risk = planSupplyRisk(promised, supply);
      const atRisk = promised.filter((each) => risk.orderIds.includes(each.orderId));
      const units = atRisk.reduce((sum, each) => sum + each.units, 0);
      expect(risk.shortUnits).toBeLessThanOrEqual(units);
      expect(risk.shortUnits > 0).toBe(atRisk.length > 0);
      expect(risk.orderIds).toEqual([...atRisk].sort(byPromise).map((each) => each.orderId));
      expect(planSupplyRisk([...promised].reverse(), [...supply].reverse())).toEqual(risk);
      const fuller = supply.map((each, index) =>
        index === 0 ? { ...each, units: each.units + more } : each,
      );
      expect(planSupplyRisk(promised, fuller).shortUnits).toBeLessThanOrEqual(risk.shortUnits);
    }),
  );
});

test('with all that is promised by its day, nobody is at risk', () => {
  fc.assert(
    fc.property(someOrders, (promised) => {
      const supply = Array.from({ length: 9 }, (_, ahead) => ({
        date: day(ahead),
        units: promised
          .filter((each) => each.dueOn === day(ahead))
          .reduce((sum, each) => sum + each.units, 0),
      }));
      expect(planSupplyRisk(promised, supply).orderIds).toEqual([]);
    }),
  );
});

test('a confirmed quantity is spread whole over the regions, presale first', () => {
  const region = fc.record({ region: fc.constant('r'), presale: fc.nat(20), p50: fc.nat(50) });
  fc.assert(
    fc.property(fc.nat(500), fc.array(region, { minLength: 1, maxLength: 6 }), (confirmed, regions) => {
      const needs = regions.map((each) => ({ ...each, p50: each.p50 + each.presale }));
      const shares = shareConfirmed(confirmed, needs);
      expect(shares.reduce((sum, each) => sum + each, 0)).toBe(confirmed);
      expect(shares.every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true);
      const presale = needs.reduce((sum, each) => sum + each.presale, 0);
      needs.forEach((each, index) => {
        if (confirmed >= presale) expect(shares[index]).toBeGreaterThanOrEqual(each.presale);
        else expect(shares[index]).toBeLessThanOrEqual(each.presale);
      });
    }),
  );
  expect(
    shareConfirmed(10, [
      { region: 'east', presale: 0, p50: 30 },
      { region: 'west', presale: 4, p50: 14 },
    ]),
  ).toEqual([5, 5]);
});
