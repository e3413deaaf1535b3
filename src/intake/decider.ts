import type { OwnUnpaid } from '../db/unpaid.read';
import { prepaymentKey } from '../db/prepayment';
import { addDays, endOfDay, localDateOf } from '../domain/network/calendar';
import type { Instant } from '../domain/network/model';
import type { Admitted } from '../domain/order/admission';
import type { AdmissionLedger, LedgerState } from '../domain/order/admissionLedger';
import type { DeliveryPromise } from '../domain/order/model';
import type { Placing as Placed, PlacingRules } from '../domain/order/placing';
import { type Prepared, placingOf } from './candidate';
import type { Draft } from './draft';
import type { AcceptedOrder, IntakeAnswer } from './model';
import type { Taken } from './write';

/** Orders of a batch, decided one after the other. */
export interface Decider {
  decide(prepared: Prepared): IntakeAnswer;
  readonly taken: TakenAt[];
}

export type TakenAt = Taken & { index: number };

export interface DeciderNeeds {
  state: LedgerState;
  ledger: AdmissionLedger;
  /** Payments that pay an order already. */
  used: ReadonlySet<string>;
  rules: PlacingRules;
  /** Of the buyer of the one order, where it is decided alone. */
  own: OwnUnpaid[];
}

/** Decides orders one after the other; a repeat within the batch gets the first one's answer. */
export function createDecider({ state, ledger, used, rules, own }: DeciderNeeds): Decider {
  const taken = new Map<string, TakenAt>();
  const paying = new Set(used);
  return {
    get taken() {
      return [...taken.values()];
    },
    decide({ candidate, bodyDigest, recipient }) {
      const { request, draft, index } = candidate;
      const first = taken.get(draft.orderId);
      if (first) {
        return first.bodyDigest.equals(bodyDigest)
          ? { kind: 'repeated', answer: first.answer }
          : { kind: 'conflict' };
      }
      const { payment } = request;
      if (payment && paying.has(prepaymentKey(payment)))
        return { kind: 'transactionUsed', transactionId: payment.transactionId };
      const placing = { ...placingOf(candidate), own };
      const placed = ledger.place(placing, rules);
      const refused = placed.kind !== 'admitted' && placed.kind !== 'waiting';
      if (refused && !payment) return placed;
      if (payment) paying.add(prepaymentKey(payment));
      if (refused) ledger.note(placing);
      const each = takeIn({ ...candidate, bodyDigest, recipient }, placed, state);
      taken.set(draft.orderId, { ...each, index });
      return { kind: 'accepted', answer: each.answer };
    },
  };
}

type Handed = Pick<Taken, 'request' | 'actor' | 'bodyDigest' | 'recipient' | 'draft'>;

/** The order as it will be written and answered. */
function takeIn(handed: Handed, placed: Placed, state: LedgerState): Taken {
  const { request, actor, bodyDigest, recipient, draft } = handed;
  const order = { request, actor, bodyDigest, recipient, draft, wait: null, givesWay: [], refusal: null };
  switch (placed.kind) {
    case 'admitted': {
      const { admitted, payableUntil, givesWay } = placed;
      const expiresAt = draft.paid ? null : new Date(payableUntil);
      const answer = acceptedOrder(draft, { promise: admitted.promise, expiresAt });
      return { ...order, admitted, expiresAt, answer, givesWay: givesWay.map(({ orderId }) => orderId) };
    }
    case 'waiting': {
      const { until, demand, promise } = placed;
      const answer = acceptedOrder(draft, { promise, expiresAt: null, until });
      return { ...order, admitted: nothing(promise), expiresAt: null, answer, wait: { until, demand } };
    }
    default: {
      const promise = promiseOfOps(state);
      const answer = acceptedOrder(draft, { promise, expiresAt: null });
      return { ...order, admitted: nothing(promise), expiresAt: null, answer, refusal: placed };
    }
  }
}

/** An order that came with its money and cannot be kept: nothing is held, and ops see it. */
function promiseOfOps({ now, timeZone }: LedgerState): DeliveryPromise {
  // two days are what ops have to find a substitute or a later date before the buyer must be refunded
  const by = endOfDay(addDays(localDateOf(now, timeZone), 2), timeZone);
  return { shipBy: by, deliverBy: by };
}

function nothing(promise: DeliveryPromise): Admitted {
  return { kind: 'admitted', holds: [], quotaHolds: [], capacity: [], promise };
}

interface Answering {
  promise: DeliveryPromise;
  expiresAt: Date | null;
  /** Of a waiting order. */
  until?: Instant;
}

function acceptedOrder(draft: Draft, { promise, expiresAt, until }: Answering): AcceptedOrder {
  const held = draft.paid ? 'paid' : 'awaitingPayment';
  return {
    orderId: draft.orderId,
    state: until === undefined ? held : 'waiting',
    expiresAt: expiresAt?.toISOString() ?? null,
    ...(until === undefined ? {} : { waiting: { until: new Date(until).toISOString() } }),
    totalFen: draft.totalFen,
    lines: draft.lines.map(({ lineId, sku, quantity, supply, unitPriceFen }) => ({
      lineId,
      sku,
      quantity,
      supply,
      unitPriceFen,
    })),
    promise: {
      shipBy: new Date(promise.shipBy).toISOString(),
      deliverBy: new Date(promise.deliverBy).toISOString(),
    },
  };
}
