import {
  type AttentionAction,
  type AttentionReason,
  attentionRule,
  type attentionRules,
} from '../domain/order/attention';
import { raiseAttention } from './attention';
import { cancelRest } from './cancelRest';
import { type LockedOrder, lockOrdersWithStock } from './holds';
import { insertOrderEvent } from './order';
import { insertOutbox, tellResumed } from './outbox';
import { findWaitingCampaigns, wakeReserved } from './presaleReserve';
import { confirmRefundIn, requestRefund } from './refund';
import { reholdOrder } from './rehold';
import { lockSupply, readSupplyRisks, reviewSupply } from './supplyCut';
import type { Database, TenantTx } from './transaction';
import { enableEndpoint } from './webhookEndpoint';

export interface AttentionAnswer {
  tenant: string;
  attentionId: string;
  action: AttentionAction;
  /** How it was settled, or why; kept as it is. */
  detail?: unknown;
  actor: string;
}

export type AttentionResolution =
  | { kind: 'resolved' }
  | { kind: 'notFound' }
  | { kind: 'alreadyResolved' }
  | { kind: 'notAllowed'; actions: readonly AttentionAction[] };

/**
 * Carries out what a person decided about something parked, in one transaction: the row is closed, and what the
 * action means is done or ordered through the outbox. What could not be mended is parked again with a new deadline.
 */
export async function resolveAttention(db: Database, answer: AttentionAnswer): Promise<AttentionResolution> {
  return db.inTenant(answer.tenant, async (tx) => {
    const found = await findAttention(tx, answer.attentionId);
    if (!found) return { kind: 'notFound' };
    if (found.resolved) return { kind: 'alreadyResolved' };
    const { actions } = attentionRule(found.reason);
    if (!actions.includes(answer.action)) return { kind: 'notAllowed', actions };
    // the order and its stock come before the attention in the order of locks
    const orders = await lockOrdersWithStock(tx, await findConcerned(tx, found, answer.action));
    const order = found.orderId === null ? undefined : orders[0];
    if (!(await closeAttention(tx, answer))) return { kind: 'alreadyResolved' };
    if (order) await noteAnswer(tx, order, found.reason, answer);
    await actOn(found.reason, answer.action)({ tx, attention: found, order, orders, answer });
    return { kind: 'resolved' };
  });
}

interface OpenAttention {
  attentionId: string;
  reason: AttentionReason;
  subject: string;
  orderId: string | null;
  shipmentId: string | null;
  detail: Record<string, unknown>;
  resolved: boolean;
}

async function findAttention(tx: TenantTx, attentionId: string): Promise<OpenAttention | null> {
  const { rows } = await tx.query<OpenAttention>(
    `SELECT attention_id AS "attentionId", reason, subject, order_id AS "orderId", shipment_id AS "shipmentId", detail,
            resolved_at IS NOT NULL AS resolved
       FROM attention WHERE tenant = $1 AND attention_id::text = $2`,
    [tx.tenant, attentionId],
  );
  return rows[0] ?? null;
}

/** A person's word never cancels more orders at once: what is left is shown again. */
const ordersAtOnce = 200;

/** The orders that the action is about. Those that a cut puts at risk are told anew: the list it was raised with ages. */
async function findConcerned(
  tx: TenantTx,
  { reason, subject, orderId }: OpenAttention,
  action: AttentionAction,
): Promise<string[]> {
  if (orderId !== null) return [orderId];
  if (reason !== 'supplyCut' || action !== 'refund') return [];
  await lockSupply(tx);
  const risks = await readSupplyRisks(tx, [subject]);
  return risks.get(subject)?.risk.orderIds.slice(-ordersAtOnce) ?? [];
}

/** False when somebody else closed it between our read and our locks. */
async function closeAttention(
  tx: TenantTx,
  { attentionId, action, detail, actor }: AttentionAnswer,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE attention SET resolved_at = clock_timestamp(), resolved_by = $3, action = $4, resolution = $5
      WHERE tenant = $1 AND attention_id::text = $2 AND resolved_at IS NULL`,
    [tx.tenant, attentionId, actor, action, detail === undefined ? null : JSON.stringify({ detail })],
  );
  return rowCount === 1;
}

async function noteAnswer(
  tx: TenantTx,
  order: LockedOrder,
  reason: AttentionReason,
  answer: AttentionAnswer,
): Promise<void> {
  await insertOrderEvent(tx, order.orderId, 'attentionResolved', {
    reason,
    action: answer.action,
    by: answer.actor,
  });
}

interface Resolving {
  tx: TenantTx;
  attention: OpenAttention;
  order: LockedOrder | undefined;
  /** All that the action is about; of most reasons, `order` alone. */
  orders: LockedOrder[];
  answer: AttentionAnswer;
}

type Act = (resolving: Resolving) => Promise<void>;

/** Closing the row is all there is to do; `detail` says how it was settled. */
const nothingMore: Act = async () => undefined;

/** The order's workflow tries again what it is parked at. */
const resume: Act = async ({ tx, order }) => {
  if (order) await tellResumed(tx, [order]);
};

/** As `resume`; and where presale goods lie reserved that could not be brought to the buyer, the way is looked for again. */
const findWayAgain: Act = async (resolving) => {
  await resume(resolving);
  const { tx, order } = resolving;
  if (order) await wakeReserved(tx, await findWaitingCampaigns(tx, order.orderId));
};

/** Cancels what has not left and gives the money back; the shipment it is about, if it has left, is given up. */
const cancelAndRefund: Act = async ({ tx, attention, order, answer }) => {
  if (!order) return;
  await cancelRest(tx, order, {
    reason: attention.reason,
    cause: attention.attentionId,
    actor: answer.actor,
    ...(attention.shipmentId === null ? {} : { lostShipmentId: attention.shipmentId }),
  });
};

/** Gives up the promises that the supply cannot keep; what is short then still is shown again. */
const refundOrdersAtRisk: Act = async ({ tx, attention, orders, answer }) => {
  for (const order of orders)
    await cancelRest(tx, order, {
      reason: attention.reason,
      cause: attention.attentionId,
      actor: answer.actor,
    });
  await reviewSupply(tx, [attention.subject]);
};

/** Looks for goods again; still short is parked again, so that the order never drops out of sight. */
const holdAgain: Act = async (resolving) => {
  const { tx, attention, order } = resolving;
  if (order?.state !== 'paid') return;
  const { orderId } = order;
  const rehold = await reholdOrder(tx, { orderId, mode: 'paid' });
  if (rehold.kind === 'reheld') return resume(resolving);
  await raiseAttention(tx, {
    reason: 'paidShort',
    subject: attention.subject,
    orderId,
    detail: attention.detail,
  });
};

const declineCancel: Act = async ({ tx, order, answer }) => {
  if (order) await insertOrderEvent(tx, order.orderId, 'cancelDeclined', { by: answer.actor });
};

/** Money of a wrong amount enters the order's books in the same step as its way back (I7). */
const returnParkedMoney: Act = async ({ tx, attention, order }) => {
  const payment = order && (await moveParkedPayment(tx, attention, 'surplus'));
  if (!order || !payment) return;
  await tx.query('UPDATE orders SET paid_fen = paid_fen + $3 WHERE tenant = $1 AND order_id = $2', [
    tx.tenant,
    order.orderId,
    payment.amountFen,
  ]);
  await requestRefund(tx, { orderId: order.orderId, ...payment, reason: 'wrongAmount' });
};

const settleParkedMoney: Act = async ({ tx, attention }) => {
  await moveParkedPayment(tx, attention, 'settled');
};

async function moveParkedPayment(
  tx: TenantTx,
  { detail }: OpenAttention,
  to: 'surplus' | 'settled',
): Promise<{ provider: string; transactionId: string; amountFen: number } | undefined> {
  const { rows } = await tx.query<{ provider: string; transactionId: string; amountFen: number }>(
    `UPDATE payment SET state = $4 WHERE tenant = $1 AND provider = $2 AND transaction_id = $3 AND state = 'parked'
     RETURNING provider, transaction_id AS "transactionId", amount_fen AS "amountFen"`,
    [tx.tenant, detail.provider, detail.transactionId, to],
  );
  return rows[0];
}

const retryRefund: Act = async ({ tx, attention }) => {
  await insertOutbox(tx, [{ kind: 'signalRefund', subject: attention.subject, payload: {}, urgent: true }]);
};

/** The money went back by another way (by hand, or by the channel): it is booked as refunded. */
const refundedByHand: Act = async ({ tx, attention }) => {
  await confirmRefundIn(tx, attention.subject);
};

/** Its workflow still waits: it is told, reads that the refund is confirmed, and closes. */
const failedRefundPaidByHand: Act = async (resolving) => {
  await refundedByHand(resolving);
  await retryRefund(resolving);
};

const enableAgain: Act = async ({ tx, attention }) => {
  await enableEndpoint(tx, attention.subject);
};

type Acts = { [R in AttentionReason]: { [A in (typeof attentionRules)[R]['actions'][number]]: Act } };

/** Every reason with every action it allows; the compiler refuses a gap. */
const acts: Acts = {
  paidShort: { retry: holdAgain, refund: cancelAndRefund },
  noRoute: { retry: findWayAgain, refund: cancelAndRefund },
  bookingFailed: { retry: resume, refund: cancelAndRefund },
  // settled by hand with the carrier: the workflow is told too, and closes
  unbookingFailed: { retry: resume, settle: resume },
  // the workflow's next look raises it again when the promise is still not kept
  overdue: { keepWaiting: nothingMore, refund: cancelAndRefund },
  deliveryFailed: { keepWaiting: nothingMore, refund: cancelAndRefund },
  movedAfterCancel: { settle: nothingMore },
  cancelAsked: { accept: cancelAndRefund, decline: declineCancel },
  presaleOverdue: { keepWaiting: nothingMore, refund: cancelAndRefund },
  // looked at again with the supplier's next forecast or word
  supplyCut: { settle: nothingMore, keepWaiting: nothingMore, refund: refundOrdersAtRisk },
  // so many are bought: the next aggregation raises it again only when more are needed
  purchaseDue: { settle: nothingMore },
  wrongAmount: { refund: returnParkedMoney, settle: settleParkedMoney },
  unknownOrder: { settle: nothingMore },
  conflictingNotice: { settle: nothingMore },
  refundFailed: { retry: retryRefund, settle: failedRefundPaidByHand },
  channelRefund: { settle: refundedByHand },
  unknownShipment: { settle: nothingMore },
  webhookDisabled: { enable: enableAgain, dismiss: nothingMore },
  brokenInvariant: { retry: resume, settle: resume },
  unknownTenant: { settle: nothingMore },
};

function actOn(reason: AttentionReason, action: AttentionAction): Act {
  const act = (acts[reason] as Partial<Record<AttentionAction, Act>>)[action];
  if (!act) throw new Error(`the action ${action} is not open for ${reason}`);
  return act;
}
