import fc from 'fast-check';
import { sumBySku } from '../../../src/domain/catalogue/explode';
import { freeUnits, remainingLifeDays } from '../../../src/domain/inventory/availability';
import { addDays } from '../../../src/domain/network/calendar';
import type { PlannedHold } from '../../../src/domain/order/model';
import {
  byPromise,
  type Conversion,
  type ConversionState,
  planConversion,
  type WaitingLine,
} from '../../../src/domain/presale/convert';
import { someAdmission } from '../arbitrary';

jest.setTimeout(60_000);

interface ConversionCase {
  lines: WaitingLine[];
  state: ConversionState;
}

const someWaiting = fc.array(
  fc.record({
    sku: fc.constantFrom('a', 'b'),
    other: fc.option(fc.constantFrom('c', 'd'), { nil: null }),
    quantity: fc.integer({ min: 1, max: 4 }),
    days: fc.integer({ min: 1, max: 4 }),
    paid: fc.nat(3),
  }),
  { minLength: 1, maxLength: 8 },
);

const someConversion: fc.Arbitrary<ConversionCase> = fc
  .record({ admission: someAdmission, waiting: someWaiting })
  .map(({ admission: { state, request }, waiting }) => ({
    lines: waiting.map(({ sku, other, quantity, days, paid }, index) => ({
      orderId: `o${(index * 5) % 8}`,
      lineId: '1',
      position: 1,
      sku: other === null ? sku : 'box',
      quantity,
      supply: 'presale' as const,
      campaignId: 'early',
      components: [sku, ...(other === null ? [] : [other])].map((each) => ({ sku: each, quantity })),
      promisedOn: addDays('2026-11-24', days),
      paidAtMicros: 1_000_000 + paid,
      destination: {
        ...request.destination,
        deliveryMethod: index % 3 === 0 ? ('express' as const) : request.destination.deliveryMethod,
      },
    })),
    state: {
      now: state.now,
      timeZone: state.timeZone,
      skus: state.skus,
      sites: state.sites,
      carriers: state.carriers,
      points: new Map(state.pickupPoint === null ? [] : [['p1', state.pickupPoint]]),
      pointLoads: new Map([['p1', state.pointLoad]]),
      reserve: state.lots.map((lot) => ({ ...lot, held: 0, committed: 0, quarantined: 0 })),
    },
  }));

function forPlans(check: (plan: Conversion, given: ConversionCase) => void): void {
  const reached = { converted: 0, short: 0, noRoute: 0 };
  fc.assert(
    fc.property(someConversion, (given) => {
      const plan = planConversion(given.lines, given.state);
      reached.converted += plan.converted.length;
      for (const { kind } of plan.unserved) reached[kind] += 1;
      check(plan, given);
    }),
    { numRuns: 400 },
  );
  expect(Object.values(reached).every((count) => count > 30)).toBe(true);
}

const sum = (holds: { quantity: number }[]) => holds.reduce((total, hold) => total + hold.quantity, 0);
const holdsOf = (plan: Conversion): PlannedHold[] => plan.converted.flatMap(({ holds }) => holds);

test('every line is answered once: served whole, or not at all', () => {
  forPlans((plan, { lines }) => {
    const answered = [...plan.converted, ...plan.unserved].map(({ line }) => line);
    expect(new Set(answered)).toEqual(new Set(lines));
    expect(answered).toHaveLength(lines.length);
    for (const { line, holds } of plan.converted) {
      for (const { sku, quantity } of sumBySku(line.components))
        expect(sum(holds.filter((hold) => hold.sku === sku))).toBe(quantity);
      expect(sum(holds)).toBe(sum(line.components));
    }
  });
});

test('never more than is reserved, lot by lot', () => {
  forPlans((plan, { state }) => {
    for (const lot of state.reserve) {
      const taken = holdsOf(plan).filter(
        (hold) => hold.sku === lot.sku && hold.siteId === lot.siteId && hold.lotId === lot.lotId,
      );
      expect(sum(taken)).toBeLessThanOrEqual(freeUnits(lot));
    }
  });
});

test('nobody gets goods with too little life, nor are a point’s litres passed', () => {
  forPlans((plan, { state }) => {
    for (const hold of holdsOf(plan)) {
      const lot = state.reserve.find(
        (each) => each.sku === hold.sku && each.siteId === hold.siteId && each.lotId === hold.lotId,
      );
      expect(remainingLifeDays(lot?.expiresOn ?? '', hold.handOverOn)).toBeGreaterThanOrEqual(
        state.skus.get(hold.sku)?.minimumLifeDays ?? 0,
      );
    }
    for (const zone of ['ambient', 'chilled', 'frozen'] as const) {
      const parts = plan.converted.flatMap(({ capacity }) => capacity.filter((part) => part.zone === zone));
      if (parts.length === 0) continue;
      const taken = parts.reduce(
        (total, part) => total + part.millilitres,
        state.pointLoads.get('p1')?.[zone] ?? 0,
      );
      expect(taken).toBeLessThanOrEqual(state.points.get('p1')?.capacity[zone] ?? 0);
    }
  });
});

test('promises go first: nobody is passed over for a line behind that could have been served instead', () => {
  forPlans((plan, given) => {
    for (const { line } of plan.unserved) {
      // with only those before it served, it still cannot be
      const before = given.lines.filter((other) => byPromise(other, line) < 0);
      const again = planConversion([...before, line], given.state);
      expect(again.unserved.map((each) => each.line)).toContain(line);
    }
    const order = plan.converted.map(({ line }) => line);
    expect(order).toEqual([...order].sort(byPromise));
  });
});

test('the same lines in any order are the same plan', () => {
  forPlans((plan, { lines, state }) => {
    expect(planConversion([...lines].reverse(), state)).toEqual(plan);
  });
});

test('an earlier promise goes before an earlier payment, an earlier payment before an id', () => {
  const line = (orderId: string, promisedOn: string, paidAtMicros: number) =>
    ({ orderId, promisedOn, paidAtMicros, position: 1 }) as WaitingLine;
  const lines = [
    line('c', '2026-12-02', 1),
    line('b', '2026-12-01', 3),
    line('d', '2026-12-01', 2),
    line('a', '2026-12-01', 3),
  ];
  expect(lines.sort(byPromise).map((each) => each.orderId)).toEqual(['d', 'a', 'b', 'c']);
});
