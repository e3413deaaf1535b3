import { writeAdmissions } from '../db/admission';
import { raiseAttention } from '../db/attention';
import { giveWay } from '../db/givingWay';
import { insertOrderEvents, insertOrders, type NewOrder } from '../db/order';
import { insertOutbox, type OutboxMessage } from '../db/outbox';
import { insertPrepayments } from '../db/prepayment';
import { insertRecipients, type SealedRecipient } from '../db/personalData';
import type { TenantTx } from '../db/transaction';
import { type Joining, joinWaitingList } from '../db/waitingList';
import { localDateOf } from '../domain/network/calendar';
import type { Instant } from '../domain/network/model';
import type { AdmissionRefusal, Admitted } from '../domain/order/admission';
import type { UnpaidLimitRefusal } from '../domain/order/givingWay';
import type { WaitingDemand } from '../domain/order/waitingList';
import type { Draft } from './draft';
import type { AcceptedOrder, IntakeRequest } from './model';

/** An order that is taken in, with everything that will be written of it. */
export interface Taken {
  request: IntakeRequest;
  actor: string;
  bodyDigest: Buffer;
  recipient: SealedRecipient | null;
  draft: Draft;
  admitted: Admitted;
  /** Its place in line, when it waits. */
  wait: { until: Instant; demand: WaitingDemand[] } | null;
  /** Older unpaid orders of the same buyer whose units it takes. */
  givesWay: string[];
  /** Why nothing is held for an order that came already paid. */
  refusal: AdmissionRefusal | UnpaidLimitRefusal | null;
  /** When its holds end if unpaid; null: it is paid, or holds nothing yet. */
  expiresAt: Date | null;
  answer: AcceptedOrder;
}

/** When orders are decided: the tenant's day is theirs. */
export type DecidedAt = { now: Instant; timeZone: string };

/** Writes orders that were taken in, whole, with one statement a table, all sent together. */
export async function writeOrders(tx: TenantTx, taken: readonly Taken[], at: DecidedAt): Promise<void> {
  // what gives way comes back before it is taken again
  await giveWay(
    tx,
    taken.flatMap(({ givesWay, draft }) =>
      givesWay.map((orderId) => ({ orderId, replacedBy: draft.orderId })),
    ),
  );
  await Promise.all([
    writeRecords(tx, taken, at),
    writeHoldings(tx, taken),
    joinWaitingList(tx, taken.flatMap(joiningOf)),
  ]);
  for (const { draft, refusal } of taken) {
    if (refusal) await parkShort(tx, draft.orderId, refusal);
  }
}

/** What tells of the orders, and takes nothing: it may be written before any stock is locked. */
export async function writeRecords(
  tx: TenantTx,
  taken: readonly Taken[],
  { now, timeZone }: DecidedAt,
): Promise<void> {
  const placedOn = localDateOf(now, timeZone);
  await Promise.all([
    insertOrders(
      tx,
      taken.map((each) => newOrderOf(each, placedOn)),
    ),
    insertRecipients(
      tx,
      taken.flatMap(({ recipient }) => recipient ?? []),
    ),
    insertPrepayments(
      tx,
      taken.flatMap(({ request, draft }) =>
        request.payment ? [{ ...request.payment, orderId: draft.orderId }] : [],
      ),
    ),
    insertOrderEvents(tx, taken.flatMap(eventsOf)),
    insertOutbox(tx, taken.flatMap(startOf)),
  ]);
}

/** What the orders take, under the locks of it. */
export async function writeHoldings(tx: TenantTx, taken: readonly Taken[]): Promise<void> {
  await writeAdmissions(
    tx,
    taken
      .filter(({ wait }) => wait === null)
      .map((each) => ({
        ...takesOf(each),
        orderId: each.draft.orderId,
        run: 1,
        expiresAt: each.expiresAt,
        actor: each.actor,
      })),
  );
}

/** What an order takes, and of which pickup point. */
export function takesOf({ admitted, draft }: Pick<Taken, 'admitted' | 'draft'>) {
  return { admitted, pickupPointId: draft.destination.pickupPointId };
}

function startOf({ draft, wait }: Taken): OutboxMessage[] {
  if (wait !== null) return [];
  return [{ kind: 'startOrder', subject: draft.orderId, payload: { run: 1 }, urgent: draft.paid }];
}

function newOrderOf(
  { request, bodyDigest, draft, admitted, expiresAt, answer }: Taken,
  placedOn: string,
): NewOrder {
  const { destination } = draft;
  return {
    orderId: draft.orderId,
    channel: request.channel,
    externalId: request.externalId,
    bodyDigest,
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
    placedOn,
    lines: draft.lines,
  };
}

function joiningOf({ draft, wait }: Taken): Joining[] {
  return wait ? [{ orderId: draft.orderId, until: new Date(wait.until), demand: wait.demand }] : [];
}

function eventsOf({ draft: { orderId, paid }, wait }: Taken): { orderId: string; kind: string }[] {
  const placed = { orderId, kind: 'placed' };
  if (wait) return [placed, { orderId, kind: 'waiting' }];
  return paid ? [placed, { orderId, kind: 'paid' }] : [placed];
}

/** An order that came with its money is never refused for want of stock: ops see it. */
async function parkShort(tx: TenantTx, orderId: string, refusal: Taken['refusal']): Promise<void> {
  await raiseAttention(tx, { reason: 'paidShort', subject: orderId, orderId, detail: { refusal } });
}
