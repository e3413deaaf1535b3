import fc from 'fast-check';
import { sumBySku } from '../../../src/domain/catalogue/explode';
import { canCarry } from '../../../src/domain/fulfilment/route';
import { freeUnits, remainingLifeDays } from '../../../src/domain/inventory/availability';
import { type Admission, type Admitted, planAdmission } from '../../../src/domain/order/admission';
import type { PlannedHold } from '../../../src/domain/order/model';
import { type AdmissionCase, someAdmission } from '../arbitrary';

// hundreds of runs on a busy machine; jest's five seconds are no sign of a fault
jest.setTimeout(60_000);

const runs = { numRuns: 600 };

/** Checks every admitted plan, and demands that admissions happened at all. */
function forAdmitted(check: (plan: Admitted, given: AdmissionCase) => void): void {
  let admitted = 0;
  fc.assert(
    fc.property(someAdmission, (given) => {
      const plan = planAdmission(given.request, given.state);
      if (plan.kind !== 'admitted') return;
      admitted += 1;
      check(plan, given);
    }),
    runs,
  );
  expect(admitted).toBeGreaterThan(30);
}

const sum = (holds: { quantity: number }[]) => holds.reduce((total, hold) => total + hold.quantity, 0);

test('all lines or none, never more than asked: parts sum to the whole, line by line', () => {
  forAdmitted((plan, { request }) => {
    for (const line of request.lines) {
      for (const { sku, quantity } of sumBySku(line.components)) {
        expect(sum(plan.holds.filter((hold) => hold.lineId === line.lineId && hold.sku === sku))).toBe(
          quantity,
        );
      }
    }
    expect(sum(plan.holds)).toBe(sum(request.lines.flatMap((line) => line.components)));
  });
});

test('never more than a lot has free', () => {
  forAdmitted((plan, { state }) => {
    for (const lot of state.lots) {
      const taken = sum(plan.holds.filter((hold) => isOf(hold, lot)));
      expect(taken).toBeLessThanOrEqual(freeUnits(lot));
    }
    for (const hold of plan.holds) expect(state.lots.some((lot) => isOf(hold, lot))).toBe(true);
  });
});

test('the safety stock of each site and of the pool stays untouched', () => {
  forAdmitted((plan, { state }) => {
    for (const [sku, { safetyStock }] of state.skus) {
      if (!plan.holds.some((hold) => hold.sku === sku)) continue;
      let offered = 0;
      for (const site of state.sites) {
        const there = state.lots.filter((lot) => lot.sku === sku && lot.siteId === site.siteId);
        const taken = sum(plan.holds.filter((hold) => hold.sku === sku && hold.siteId === site.siteId));
        const left = there.reduce((total, lot) => total + freeUnits(lot), 0) - taken;
        if (taken > 0) expect(left).toBeGreaterThanOrEqual(site.safetyStock);
        offered += Math.max(0, left - site.safetyStock);
      }
      expect(offered).toBeGreaterThanOrEqual(safetyStock);
    }
  });
});

test('enough life on the day of the hand-over, and within a site the earliest usable lot first', () => {
  forAdmitted((plan, { state }) => {
    for (const hold of plan.holds) {
      const minimum = state.skus.get(hold.sku)?.minimumLifeDays ?? 0;
      const lot = state.lots.find((candidate) => isOf(hold, candidate));
      expect(remainingLifeDays(lot?.expiresOn ?? '', hold.handOverOn)).toBeGreaterThanOrEqual(minimum);
      const earlier = state.lots.filter(
        (other) =>
          other.sku === hold.sku &&
          other.siteId === hold.siteId &&
          other.expiresOn < (lot?.expiresOn ?? '') &&
          remainingLifeDays(other.expiresOn, hold.handOverOn) >= minimum,
      );
      for (const other of earlier) {
        expect(sum(plan.holds.filter((each) => isOf(each, other)))).toBe(freeUnits(other));
      }
    }
  });
});

test('a zone only from sites that keep it, by somebody who may carry it', () => {
  forAdmitted((plan, { request, state }) => {
    for (const hold of plan.holds) {
      const zone = state.skus.get(hold.sku)?.zone ?? 'ambient';
      const site = state.sites.find((candidate) => candidate.siteId === hold.siteId);
      expect(site?.zones).toContain(zone);
      if (request.destination.deliveryMethod === 'pickup' && zone !== 'special') {
        expect(state.pickupPoint && canCarry(state.pickupPoint, zone)).toBe(true);
      } else {
        expect(state.carriers.some((carrier) => carrier.zones.includes(zone))).toBe(true);
      }
    }
  });
});

test('the litres of the pickup point are never passed', () => {
  forAdmitted((plan, { state }) => {
    for (const { zone, millilitres } of plan.capacity) {
      expect(state.pointLoad[zone] + millilitres).toBeLessThanOrEqual(state.pickupPoint?.capacity[zone] ?? 0);
    }
  });
});

test('the same state and request give the same plan, and planning changes neither', () => {
  fc.assert(
    fc.property(someAdmission, (given) => {
      const before = JSON.stringify([given.request, [...given.state.skus], given.state.lots]);
      const first = planAdmission(given.request, given.state);
      expect(planAdmission(given.request, given.state)).toEqual(first);
      expect(JSON.stringify([given.request, [...given.state.skus], given.state.lots])).toBe(before);
    }),
  );
});

test('what is refused as sold out is short indeed, and less would have been taken', () => {
  const refusals: Admission['kind'][] = [];
  fc.assert(
    fc.property(someAdmission, ({ request, state }) => {
      const plan = planAdmission(request, state);
      refusals.push(plan.kind);
      if (plan.kind !== 'soldOut') return;
      for (const short of plan.shortfall) {
        expect(short.asked).toBe(
          sum(request.lines.flatMap((line) => line.components).filter((part) => part.sku === short.sku)),
        );
        expect(short.asked).toBeGreaterThan(short.sellable);
        if (short.sellable === 0) continue;
        const line = {
          lineId: '1',
          sku: short.sku,
          quantity: short.sellable,
          supply: 'spot' as const,
          campaignId: null,
        };
        const less = {
          ...request,
          lines: [{ ...line, components: [{ sku: short.sku, quantity: short.sellable }] }],
        };
        const retry = planAdmission(less, state);
        if (retry.kind === 'soldOut') expect(retry.shortfall).toEqual([]);
      }
    }),
    runs,
  );
  expect(new Set(refusals)).toEqual(
    new Set(['admitted', 'soldOut', 'noRoute', 'pastCutoff', 'purchaseLimit']),
  );
});

test('a purchase limit counts what was bought before and repeated lines together', () => {
  fc.assert(
    fc.property(someAdmission, fc.nat(10), ({ request, state }, bought) => {
      const limited = { ...state, bought: new Map([...state.skus.keys()].map((sku) => [sku, bought])) };
      const plan = planAdmission(request, limited);
      if (plan.kind !== 'admitted') return;
      for (const { sku, quantity } of sumBySku(request.lines)) {
        const limit = state.skus.get(sku)?.purchaseLimitUnits ?? null;
        if (limit !== null) expect(bought + quantity).toBeLessThanOrEqual(limit);
      }
    }),
  );
});

test('presale takes quota of the buyer’s region, and never stock', () => {
  const someSales = fc.record({
    units: fc.nat(20),
    held: fc.nat(5),
    sold: fc.nat(5),
    asked: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(someAdmission, someSales, ({ request, state }, { units, held, sold, asked }) => {
      const quotas = [
        { region: 'east', units: units + held + sold, held, sold, waiting: 0 },
        { region: 'west', units: 1000, held: 0, sold: 0, waiting: 0 },
      ];
      const hour = 3_600_000;
      const campaign = {
        campaignId: 'early',
        sku: 'a',
        opensAt: state.now - hour,
        closesAt: state.now + hour,
        deliverFrom: '2026-12-01',
        deliverBy: '2026-12-05',
        priceFen: null,
        quotas,
      };
      const lines = asked.map((quantity, index) => ({
        lineId: String(index),
        sku: 'a',
        quantity,
        supply: 'presale' as const,
        campaignId: 'early',
        components: [{ sku: 'a', quantity }],
      }));
      const open = {
        ...state,
        campaigns: new Map([['early', campaign]]),
        skus: new Map([...state.skus].map(([id, sku]) => [id, { ...sku, purchaseLimitUnits: null }])),
      };
      const plan = planAdmission({ ...request, lines }, open);
      const total = asked.reduce((all, one) => all + one, 0);
      expect(plan.kind).toBe(total <= units ? 'admitted' : 'quotaExhausted');
      if (plan.kind !== 'admitted') return;
      expect(plan.holds).toEqual([]);
      expect(sum(plan.quotaHolds)).toBe(total);
      expect(plan.quotaHolds.every((hold) => hold.region === 'east')).toBe(true);
    }),
  );
});

function isOf(hold: PlannedHold, lot: { sku: string; siteId: string; lotId: string }): boolean {
  return hold.sku === lot.sku && hold.siteId === lot.siteId && hold.lotId === lot.lotId;
}
