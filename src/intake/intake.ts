import { type AdmissionSubject, lockAdmission, writeAdmission } from '../db/admission';
import { readSkus } from '../db/admission.read';
import { raiseAttention } from '../db/attention';
import { findByExternalId, insertOrder, insertOrderEvent, orderIdOf } from '../db/order';
import { insertOutbox } from '../db/outbox';
import { insertPrepayment } from '../db/payment';
import { insertRecipient, type PersonalData, type Recipient } from '../db/personalData';
import { type Database, Rollback, type TenantTx } from '../db/transaction';
import { chooseRules, holdMilliseconds } from '../domain/catalogue/rules';
import { addDays, endOfDay, localDateOf } from '../domain/network/calendar';
import {
  type Admission,
  type Admitted,
  type AdmissionSku,
  type AdmissionState,
  planAdmission,
} from '../domain/order/admission';
import type { Destination } from '../domain/order/model';
import { orderTotal } from '../domain/order/price';
import { canonicalJson } from './canonical';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from './model';
import { type ResolvedLine, resolveDestination, resolveLines } from './resolve';

export interface IntakeOptions {
  db: Database;
  personalData: PersonalData;
  /** The default hold, when no line's SKU or category says otherwise. */
  paymentWindowSeconds: number;
}

export interface Intake {
  /**
   * Hands in one order: it is accepted whole, repeated (the first answer again) or refused, and a refusal stores
   * nothing. One transaction holds the stock and writes order, lines, holds, journal and outbox. Throws only when
   * the database is away; the caller may then ask again with the same body and learns the truth.
   */
  place(tenant: string, request: IntakeRequest, actor: string): Promise<IntakeAnswer>;
}

export function createIntake(options: IntakeOptions): Intake {
  return {
    place(tenant, request, actor) {
      const bodyDigest = options.personalData.digest(`order ${tenant}`, canonicalJson(request));
      return options.db.inTenant(tenant, async (tx) => {
        const known = await findRepeat(tx, request, bodyDigest);
        return known ?? placeNew(tx, { ...options, request, bodyDigest, actor });
      });
    },
  };
}

async function findRepeat(
  tx: TenantTx,
  request: IntakeRequest,
  bodyDigest: Buffer,
): Promise<IntakeAnswer | null> {
  const stored = await findByExternalId(tx, request);
  if (!stored) return null;
  if (!stored.bodyDigest.equals(bodyDigest)) return { kind: 'conflict' };
  return { kind: 'repeated', answer: stored.answer as AcceptedOrder };
}

interface Placing extends IntakeOptions {
  request: IntakeRequest;
  bodyDigest: Buffer;
  actor: string;
}

/** Everything known about the order before the stock is locked. */
interface Draft {
  orderId: string;
  lines: ResolvedLine[];
  destination: Destination;
  skus: Map<string, AdmissionSku>;
  totalFen: number;
  /** Paid at once: it came with its payment, or costs nothing. */
  paid: boolean;
  holdMs: number;
}

async function placeNew(tx: TenantTx, placing: Placing): Promise<IntakeAnswer> {
  const draft = await draftOrder(tx, placing);
  if ('kind' in draft) return draft;
  const { request } = placing;
  const subject: AdmissionSubject = {
    lines: draft.lines,
    skus: draft.skus,
    destination: draft.destination,
    buyerRef: request.buyer.ref,
    liveSessionId: request.liveSessionId ?? null,
  };
  const state = await lockAdmission(tx, subject);
  const payableUntil = draft.paid ? state.now : state.now + draft.holdMs;
  const admission = planAdmission(
    { lines: draft.lines, destination: draft.destination, payableUntil },
    state,
  );
  const cameWithMoney = request.payment !== undefined;
  // thrown, so that what expiring past-due holds wrote is the sweeper's to write: a refusal stores nothing
  if (admission.kind !== 'admitted' && !cameWithMoney) throw new Rollback<IntakeAnswer>(admission);
  const answer = await writeOrder(tx, placing, { draft, state, admission, payableUntil });
  return answer ?? raced(tx, placing);
}

/** Another request with the same external id was faster: undo ours and tell theirs. */
async function raced(tx: TenantTx, { request, bodyDigest }: Placing): Promise<never> {
  throw new Rollback<IntakeAnswer>((await findRepeat(tx, request, bodyDigest)) ?? { kind: 'conflict' });
}

async function draftOrder(
  tx: TenantTx,
  { request, paymentWindowSeconds }: Placing,
): Promise<Draft | IntakeAnswer> {
  const skus = await readSkus(
    tx,
    request.lines.map((line) => line.sku),
  );
  const unknown = request.lines.map((line) => line.sku).filter((sku) => !skus.has(sku));
  if (unknown.length > 0) return { kind: 'unknownSku', skus: [...new Set(unknown)] };
  const destination = await resolveDestination(tx, request);
  if ('kind' in destination) return destination;
  const lines = await resolveLines(tx, request.lines, skus);
  if (!Array.isArray(lines)) return lines;
  const total = orderTotal(lines, request.freightFen ?? 0);
  if (total.kind === 'tooLarge') {
    return {
      kind: 'invalid',
      path: 'lines',
      expected: 'a total within the safe integers',
      received: 'a larger one',
    };
  }
  if (total.kind === 'badLine') {
    return {
      kind: 'invalid',
      path: `lines.${total.index}.discountFen`,
      expected: 'at most unitPriceFen × quantity',
      received: String(lines[total.index]?.discountFen),
    };
  }
  if (request.payment && request.payment.amountFen !== total.totalFen) {
    return {
      kind: 'invalid',
      path: 'payment.amountFen',
      expected: `the order's total, ${total.totalFen}`,
      received: String(request.payment.amountFen),
    };
  }
  const rules = lines.map((line) => chooseRules(skus.get(line.sku) as AdmissionSku, undefined));
  return {
    orderId: orderIdOf({ tenant: tx.tenant, channel: request.channel, externalId: request.externalId }),
    lines,
    destination,
    skus,
    totalFen: total.totalFen,
    paid: request.payment !== undefined || total.totalFen === 0,
    holdMs: holdMilliseconds(rules, paymentWindowSeconds),
  };
}

interface Decision {
  draft: Draft;
  state: AdmissionState;
  admission: Admission;
  payableUntil: number;
}

/** An order that came with its money and cannot be kept: nothing is held, and ops see it. */
function nothingHeld(state: AdmissionState): Admitted {
  // two days are what ops have to find a substitute or a later date before the buyer must be refunded
  const by = endOfDay(addDays(localDateOf(state.now, state.timeZone), 2), state.timeZone);
  return {
    kind: 'admitted',
    holds: [],
    quotaHolds: [],
    capacity: [],
    promise: { shipBy: by, deliverBy: by },
  };
}

async function writeOrder(tx: TenantTx, placing: Placing, decision: Decision): Promise<IntakeAnswer | null> {
  const { request, actor, personalData } = placing;
  const { draft, state, admission, payableUntil } = decision;
  const admitted = admission.kind === 'admitted' ? admission : nothingHeld(state);
  const expiresAt = draft.paid ? null : new Date(payableUntil);
  const answer = acceptedOrder(draft, admitted, expiresAt);
  const { destination, orderId } = draft;
  const inserted = await insertOrder(tx, {
    orderId,
    channel: request.channel,
    externalId: request.externalId,
    bodyDigest: placing.bodyDigest,
    answer,
    state: answer.state,
    buyerRef: request.buyer.ref,
    communityId: destination.communityId,
    pickupPointId: destination.pickupPointId,
    region: destination.region,
    location: destination.location,
    deliveryMethod: destination.deliveryMethod,
    window: destination.window && {
      from: new Date(destination.window.from),
      to: new Date(destination.window.to),
    },
    totalFen: draft.totalFen,
    freightFen: request.freightFen ?? 0,
    paidFen: request.payment?.amountFen ?? 0,
    shipBy: new Date(admitted.promise.shipBy),
    deliverBy: new Date(admitted.promise.deliverBy),
    expiresAt,
    liveSessionId: request.liveSessionId ?? null,
    placedOn: localDateOf(state.now, state.timeZone),
    lines: draft.lines,
  });
  if (!inserted) return null;
  await writeAdmission(tx, {
    orderId,
    run: 1,
    admitted,
    expiresAt,
    pickupPointId: destination.pickupPointId,
    actor,
  });
  await insertRecipient(tx, personalData, orderId, recipientOf(request));
  await insertOrderEvent(tx, orderId, 'placed');
  if (request.payment && !(await insertPrepayment(tx, orderId, request.payment))) {
    throw new Rollback<IntakeAnswer>({
      kind: 'transactionUsed',
      transactionId: request.payment.transactionId,
    });
  }
  if (draft.paid) await insertOrderEvent(tx, orderId, 'paid');
  if (admission.kind !== 'admitted') {
    await raiseAttention(tx, {
      reason: 'paidShort',
      subject: orderId,
      orderId,
      detail: { refusal: admission },
    });
  }
  await insertOutbox(tx, [{ kind: 'startOrder', subject: orderId, payload: { run: 1 }, urgent: draft.paid }]);
  return { kind: 'accepted', answer };
}

function acceptedOrder(draft: Draft, admitted: Admitted, expiresAt: Date | null): AcceptedOrder {
  return {
    orderId: draft.orderId,
    state: draft.paid ? 'paid' : 'awaitingPayment',
    expiresAt: expiresAt?.toISOString() ?? null,
    totalFen: draft.totalFen,
    lines: draft.lines.map(({ lineId, sku, quantity, supply, unitPriceFen }) => ({
      lineId,
      sku,
      quantity,
      supply,
      unitPriceFen,
    })),
    promise: {
      shipBy: new Date(admitted.promise.shipBy).toISOString(),
      deliverBy: new Date(admitted.promise.deliverBy).toISOString(),
    },
  };
}

function recipientOf({ buyer, notes }: IntakeRequest): Recipient {
  return { name: buyer.name, phone: buyer.phone, address: buyer.address, notes };
}
