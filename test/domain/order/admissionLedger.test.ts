import fc from 'fast-check';
import type { PointZone } from '../../../src/domain/network/model';
import { type Admission, type AdmissionState, planAdmission } from '../../../src/domain/order/admission';
import {
  type LedgerRequest,
  type LedgerState,
  openLedger,
  purchaseKey,
} from '../../../src/domain/order/admissionLedger';
import { type BatchCase, someBatch } from '../arbitrary';

jest.setTimeout(60_000);

const runs = { numRuns: 400 };
const rules = { paymentWindowSeconds: 1800, waitingSeconds: 3600 };

/** The state one order sees, made anew from all that was admitted before it: the slow, plain way. */
function stateAfter(state: LedgerState, request: LedgerRequest, before: Decided[]): AdmissionState {
  const admitted = before.flatMap(({ admission, request: earlier }) =>
    admission.kind === 'admitted' ? [{ ...admission, earlier }] : [],
  );
  const holds = admitted.flatMap((plan) => plan.holds);
  const quotaHolds = admitted.flatMap((plan) => plan.quotaHolds);
  const pointId = request.destination.pickupPointId;
  const atPoint = admitted.filter(({ earlier }) => earlier.destination.pickupPointId === pointId);
  const load = (zone: PointZone) =>
    (pointId === null ? 0 : (state.pointLoads.get(pointId)?.[zone] ?? 0)) +
    sum(
      atPoint
        .flatMap((plan) => plan.capacity)
        .filter((part) => part.zone === zone)
        .map((part) => part.millilitres),
    );
  const boughtOf = (sku: string) =>
    (state.bought.get(purchaseKey(request.purchase, sku)) ?? 0) +
    sum(
      admitted
        .filter(({ earlier }) => purchaseKey(earlier.purchase, sku) === purchaseKey(request.purchase, sku))
        .flatMap(({ earlier }) =>
          earlier.lines.filter((line) => line.sku === sku).map((line) => line.quantity),
        ),
    );
  return {
    ...state,
    pickupPoint: pointId === null ? null : (state.pickupPoints.get(pointId) ?? null),
    pointLoad: { ambient: load('ambient'), chilled: load('chilled'), frozen: load('frozen') },
    lots: state.lots.map((lot) => ({
      ...lot,
      held:
        lot.held +
        sum(
          holds
            .filter((hold) => hold.sku === lot.sku && hold.siteId === lot.siteId && hold.lotId === lot.lotId)
            .map((hold) => hold.quantity),
        ),
    })),
    campaigns: new Map(
      [...state.campaigns].map(([id, campaign]) => [
        id,
        {
          ...campaign,
          quotas: campaign.quotas.map((quota) => ({
            ...quota,
            held:
              quota.held +
              sum(quotaHolds.filter((hold) => hold.campaignId === id).map((hold) => hold.quantity)),
          })),
        },
      ]),
    ),
    bought: new Map(request.lines.map((line) => [line.sku, boughtOf(line.sku)])),
  };
}

interface Decided {
  request: LedgerRequest;
  admission: Admission;
}

const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);

function oneAtATime({ state, requests }: BatchCase): Admission[] {
  const decided: Decided[] = [];
  for (const request of requests) {
    decided.push({ request, admission: planAdmission(request, stateAfter(state, request, decided)) });
  }
  return decided.map(({ admission }) => admission);
}

test('the same input order gives the same admissions as one order at a time', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(someBatch, (given) => {
      const ledger = openLedger(given.state);
      const admissions = given.requests.map((request) => ledger.decide(request));
      for (const { kind } of admissions) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      expect(admissions).toEqual(oneAtATime(given));
    }),
    runs,
  );
  // the worlds are small enough that every answer occurs
  for (const kind of ['admitted', 'soldOut', 'quotaExhausted', 'purchaseLimit']) {
    expect(kinds.get(kind) ?? 0).toBeGreaterThan(20);
  }
});

test('a batch never takes more than there is, from no lot, quota or point', () => {
  fc.assert(
    fc.property(someBatch, ({ state, requests }) => {
      const ledger = openLedger(state);
      const plans = requests.flatMap((request) => {
        const admission = ledger.decide(request);
        return admission.kind === 'admitted' ? [admission] : [];
      });
      for (const lot of state.lots) {
        const taken = plans
          .flatMap((plan) => plan.holds)
          .filter((hold) => hold.sku === lot.sku && hold.siteId === lot.siteId && hold.lotId === lot.lotId);
        expect(
          lot.held + lot.committed + lot.quarantined + sum(taken.map((hold) => hold.quantity)),
        ).toBeLessThanOrEqual(Math.max(lot.onHand, lot.held + lot.committed + lot.quarantined));
      }
      const quota = state.campaigns.get('early')?.quotas[0];
      expect(sum(plans.flatMap((plan) => plan.quotaHolds).map((hold) => hold.quantity))).toBeLessThanOrEqual(
        quota?.units ?? 0,
      );
    }),
    runs,
  );
});

test('foreseeing takes nothing, and the state handed in is not changed', () => {
  fc.assert(
    fc.property(someBatch, ({ state, requests }) => {
      const before = JSON.stringify([
        state.lots,
        [...state.campaigns],
        [...state.pointLoads],
        [...state.bought],
      ]);
      const ledger = openLedger(state);
      for (const request of requests) {
        const holder = { channel: 'shop', buyerRef: request.purchase.buyerRef };
        const placing = { ...request, holder, paid: false, mayWait: false };
        const foreseen = ledger.foresee(placing, rules);
        expect(ledger.foresee(placing, rules)).toEqual(foreseen);
        expect(ledger.place(placing, rules)).toEqual(foreseen);
      }
      expect(
        JSON.stringify([state.lots, [...state.campaigns], [...state.pointLoads], [...state.bought]]),
      ).toBe(before);
    }),
    runs,
  );
});
