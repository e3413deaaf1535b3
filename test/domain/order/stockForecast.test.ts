import fc from 'fast-check';
import { instantOf } from '../../../src/domain/network/calendar';
import { type Admission, planAdmission } from '../../../src/domain/order/admission';
import { type LedgerRequest, type LedgerState, openLedger } from '../../../src/domain/order/admissionLedger';
import {
  afterTakes,
  decidesAlike,
  type GuardedStock,
  sameMoment,
  sumTakes,
} from '../../../src/domain/order/stockForecast';
import { someAdmission, someBatch } from '../arbitrary';

jest.setTimeout(60_000);

const runs = { numRuns: 400 };

/** Orders for the shelf, and SKUs that everybody may have as much of as they like: what is planned ahead. */
const someShelfBatch = someBatch.map(({ state, requests }) => ({
  state: {
    ...state,
    skus: new Map([...state.skus].map(([id, sku]) => [id, { ...sku, purchaseLimitUnits: null }])),
    bought: new Map(),
    campaigns: new Map(),
  },
  requests: requests.map((request) => ({
    ...request,
    lines: request.lines.map((line) => ({ ...line, supply: 'spot' as const, campaignId: null })),
  })),
}));

function decideAll(state: LedgerState, requests: LedgerRequest[]): Admission[] {
  const ledger = openLedger(state);
  return requests.map((request) => ledger.decide(request));
}

test('what a batch leaves behind is what the next one is decided on', () => {
  let decided = 0;
  fc.assert(
    fc.property(someShelfBatch, fc.nat(3), ({ state, requests }, cut) => {
      const [first, next] = [requests.slice(0, cut), requests.slice(cut)];
      const admissions = decideAll(state, first);
      const takes = sumTakes(
        admissions.flatMap((admitted, at) => {
          const pickupPointId = first[at]?.destination.pickupPointId ?? null;
          return admitted.kind === 'admitted' ? [{ admitted, pickupPointId }] : [];
        }),
      );
      const left = { ...state, ...afterTakes(state, takes) };
      expect([...admissions, ...decideAll(left, next)]).toEqual(decideAll(state, requests));
      if (takes.units.size > 0 && next.length > 0) decided += 1;
    }),
    { numRuns: 1500 },
  );
  expect(decided).toBeGreaterThan(50);
});

describe('stock that decides alike', () => {
  /** What others did meanwhile: money came, goods left, and here and there something else that a decision sees. */
  const someChanges = fc.array(
    fc.record({ lot: fc.nat(31), kind: fc.constantFrom('paid', 'left', 'freed', 'gone', 'litres') }),
    { maxLength: 4 },
  );
  type Change = { lot: number; kind: string };

  function changed(stock: GuardedStock, changes: Change[]): GuardedStock {
    const lots = stock.lots.map((lot) => ({ ...lot }));
    const pointLoads = new Map([...stock.pointLoads].map(([id, load]) => [id, { ...load }]));
    for (const { lot: at, kind } of changes) {
      const lot = lots[at % Math.max(1, lots.length)];
      const load = pointLoads.get('p1');
      if (kind === 'litres' && load) load.ambient += 1000;
      if (!lot) continue;
      if (kind === 'paid' && lot.held > 0)
        Object.assign(lot, { held: lot.held - 1, committed: lot.committed + 1 });
      if (kind === 'left' && lot.committed > 0)
        Object.assign(lot, { onHand: lot.onHand - 1, committed: lot.committed - 1 });
      if (kind === 'freed' && lot.held > 0) lot.held -= 1;
      if (kind === 'gone') Object.assign(lot, { quarantined: lot.onHand - lot.held - lot.committed });
    }
    return { ...stock, lots: lots.filter(({ onHand }) => onHand > 0), pointLoads };
  }

  test('gives every order the same answer, whatever became of the units that are not free', () => {
    const seen = { alike: 0, decidedOtherwise: 0 };
    fc.assert(
      fc.property(someShelfBatch, someChanges, ({ state, requests }, changes) => {
        const other = { ...state, ...changed(state, changes) };
        const [these, those] = [decideAll(state, requests), decideAll(other, requests)].map((all) =>
          JSON.stringify(all),
        );
        if (decidesAlike(state, other)) {
          expect(those).toBe(these);
          if (JSON.stringify(other.lots) !== JSON.stringify(state.lots)) seen.alike += 1;
        } else if (these !== those) seen.decidedOtherwise += 1;
      }),
      runs,
    );
    // both happened: paid and shipped units that changed nothing, and others that changed an answer
    expect(seen.alike).toBeGreaterThan(20);
    expect(seen.decidedOtherwise).toBeGreaterThan(20);
  });

  test('is the same in another order, and another as soon as somebody waits', () => {
    fc.assert(
      fc.property(someShelfBatch, ({ state }) => {
        expect(decidesAlike(state, { ...state, lots: [...state.lots].reverse() })).toBe(true);
        expect(decidesAlike(state, { ...state, waiting: new Map([['a', 1]]) })).toBe(false);
      }),
      runs,
    );
  });
});

describe('the same moment', () => {
  /** Around the minute at which somebody's cutoff falls, as seen from the end of a hold. */
  const someMoments = fc.record({
    given: someAdmission,
    site: fc.nat(3),
    holdMs: fc.constantFrom(0, 5000, 1_800_000),
    beforeMs: fc.integer({ min: -3, max: 1200 }),
    laterMs: fc.integer({ min: 0, max: 1200 }),
  });

  test('gives the same decision at both ends of it, but for how long holds last', () => {
    const seen = { same: 0, otherwise: 0 };
    fc.assert(
      fc.property(someMoments, ({ given: { request, state }, site, holdMs, beforeMs, laterMs }) => {
        const { cutoff = '12:00' } = state.sites[site % state.sites.length] ?? {};
        const planned = instantOf('2026-11-24', cutoff, state.timeZone) - holdMs - beforeMs;
        const decideAt = (now: number) =>
          JSON.stringify(planAdmission({ ...request, payableUntil: now + holdMs }, { ...state, now }));
        const equal = decideAt(planned) === decideAt(planned + laterMs);
        if (sameMoment(planned, planned + laterMs, [holdMs])) {
          expect(equal).toBe(true);
          seen.same += 1;
        } else if (!equal) seen.otherwise += 1;
      }),
      { numRuns: 2000 },
    );
    expect(seen.same).toBeGreaterThan(50);
    expect(seen.otherwise).toBeGreaterThan(20);
  });

  test('ends after a second, does not begin in the future, and never spans a midnight', () => {
    const noon = Date.parse('2026-11-24T12:00:10Z');
    expect(sameMoment(noon, noon + 1000, [])).toBe(true);
    expect(sameMoment(noon, noon + 1001, [])).toBe(false);
    expect(sameMoment(noon, noon - 1, [])).toBe(false);
    const midnight = Date.parse('2026-11-25T00:00:00Z');
    expect(sameMoment(midnight - 1, midnight, [])).toBe(false);
    expect(sameMoment(midnight, midnight + 1, [])).toBe(false);
    expect(sameMoment(midnight + 1, midnight + 2, [])).toBe(true);
  });
});
