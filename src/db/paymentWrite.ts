import type { Notice, PayableOrder, PaymentDecision } from '../domain/order/payment';
import { type NewAttention, raiseAttentions } from './attention';
import { commitHolds, releaseHolds } from './holds';
import { insertOrderEvents, type NewOrderEvent } from './order';
import { insertOutbox, type OutboxMessage } from './outbox';
import type { TenantTx } from './transaction';

/** A notice as it came, and what tells its body from another. */
export interface ToldNotice extends Notice {
  paidAt: Date;
}

export interface OrderToPay extends PayableOrder {
  orderId: string;
  run: number;
}

/** One notice and what was decided about it. */
export interface Decided {
  notice: ToldNotice;
  decision: PaymentDecision;
  /** As it stood before the batch; not there where the decision needs none. */
  order: OrderToPay | undefined;
}

/** Writes what was decided, in the order of the notices, with one statement for each table. */
export async function writeBookings(tx: TenantTx, decided: Decided[]): Promise<void> {
  const raised = await raiseAttentions(tx, decided.flatMap(attentionsOf));
  const money = decided.flatMap(moneyOf);
  if (money.length === 0) return;
  const booked = money.filter(({ to }) => to === 'paid').map(({ order }) => order.orderId);
  const expired = money.filter(({ to }) => to === 'expired').map(({ order }) => order.orderId);
  await commitHolds(tx, { orderIds: booked, actor: 'system:payment' });
  await releaseHolds(tx, { orderIds: expired, to: 'expired', actor: 'system:expiry' });
  // a statement each, none of which waits for another's answer: one journey
  await Promise.all([
    insertPayments(tx, money),
    updateOrders(tx, money),
    insertOrderEvents(tx, timelineOf(money, raised)),
    hastenStarts(tx, booked),
    insertOutbox(tx, money.flatMap(messagesOf)),
  ]);
}

function attentionsOf({ notice, decision, order }: Decided): NewAttention[] {
  const { provider, notificationId, transactionId, orderId, amountFen } = notice;
  const conflicting = (subject: string): NewAttention => ({
    reason: 'conflictingNotice',
    subject,
    detail: { provider, notificationId, transactionId, orderId, amountFen },
  });
  switch (decision.kind) {
    case 'conflict':
      return [conflicting(notificationId)];
    case 'otherFacts':
      return [conflicting(transactionId)];
    case 'wrongAmount': {
      const detail = { provider, transactionId, amountFen, totalFen: order?.totalFen };
      return [{ reason: 'wrongAmount', subject: transactionId, orderId, detail }];
    }
    case 'booked':
    case 'late':
    case 'surplus':
    case 'repeated':
    case 'unknownOrder':
      return [];
  }
}

/** Money that was not known before. */
interface Money {
  notice: ToldNotice;
  order: OrderToPay;
  state: 'applied' | 'late' | 'surplus' | 'parked';
  /** The order's new state, if this changes it. */
  to: 'paid' | 'expired' | null;
}

function moneyOf({ notice, decision, order }: Decided): Money[] {
  if (!order) return [];
  switch (decision.kind) {
    case 'booked':
      return [{ notice, order, state: 'applied', to: 'paid' }];
    case 'late':
      return [{ notice, order, state: 'late', to: decision.expires ? 'expired' : null }];
    case 'surplus':
      return [{ notice, order, state: 'surplus', to: null }];
    case 'wrongAmount':
      return [{ notice, order, state: 'parked', to: null }];
    case 'repeated':
    case 'conflict':
    case 'otherFacts':
    case 'unknownOrder':
      return [];
  }
}

/** One transaction told of two orders without stock in common meets here: a conflict, see `isConflict`. */
async function insertPayments(tx: TenantTx, money: Money[]): Promise<void> {
  await tx.query(
    `INSERT INTO payment (tenant, provider, transaction_id, order_id, amount_fen, state, held_by, paid_at)
     SELECT $1, provider, transaction_id, order_id, amount_fen, state, 'tenant', paid_at
       FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
         AS p(provider, transaction_id, order_id, amount_fen, state, paid_at)`,
    [
      tx.tenant,
      money.map(({ notice }) => notice.provider),
      money.map(({ notice }) => notice.transactionId),
      money.map(({ order }) => order.orderId),
      money.map(({ notice }) => notice.amountFen),
      money.map(({ state }) => state),
      money.map(({ notice }) => notice.paidAt),
    ],
  );
}

/** Money that is not believed stays outside of the order's books. */
async function updateOrders(tx: TenantTx, money: Money[]): Promise<void> {
  const counted = money.filter(({ state }) => state !== 'parked');
  await tx.query(
    `UPDATE orders o
        SET state = coalesce(m.state, o.state), paid_fen = o.paid_fen + m.fen,
            paid_at = CASE m.state WHEN 'paid' THEN clock_timestamp() ELSE o.paid_at END,
            ended_at = CASE m.state WHEN 'expired' THEN clock_timestamp() ELSE o.ended_at END
       FROM (SELECT order_id, max(state) AS state, sum(fen)::bigint AS fen
               FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(order_id, state, fen) GROUP BY order_id) m
      WHERE o.tenant = $1 AND o.order_id = m.order_id`,
    [
      tx.tenant,
      counted.map(({ order }) => order.orderId),
      counted.map(({ to }) => to),
      counted.map(({ notice }) => notice.amountFen),
    ],
  );
}

function timelineOf(money: Money[], raised: NewAttention[]): NewOrderEvent[] {
  const shown = new Set(
    raised.filter(({ reason }) => reason === 'wrongAmount').map(({ subject }) => subject),
  );
  return money.flatMap(({ notice, order: { orderId }, state, to }): NewOrderEvent[] => {
    switch (state) {
      case 'applied':
        return [{ orderId, kind: 'paid' }];
      case 'late':
        return [...(to === 'expired' ? [{ orderId, kind: to }] : []), { orderId, kind: 'latePayment' }];
      case 'surplus':
        return [{ orderId, kind: 'surplusPayment' }];
      case 'parked':
        return shown.delete(notice.transactionId)
          ? [{ orderId, kind: 'attention', detail: { reason: 'wrongAmount' } }]
          : [];
    }
  });
}

/**
 * Starts that still wait in the outbox go ahead of those of unpaid orders. Locked in the order of their ids, as the
 * dispatcher locks them.
 */
async function hastenStarts(tx: TenantTx, orderIds: string[]): Promise<void> {
  if (orderIds.length === 0) return;
  await tx.query(
    `WITH locked AS MATERIALIZED (
       SELECT outbox_id FROM outbox
        WHERE tenant = $1 AND subject = ANY($2::text[]) AND kind = 'startOrder' AND done_at IS NULL
        ORDER BY outbox_id FOR UPDATE)
     UPDATE outbox b SET urgent = true FROM locked l WHERE b.tenant = $1 AND b.outbox_id = l.outbox_id`,
    [tx.tenant, orderIds],
  );
}

/** Money that nothing can take at once has a workflow of its own, which decides within a minute of a worker being there. */
function messagesOf({ notice, order, state }: Money): OutboxMessage[] {
  const { provider, transactionId } = notice;
  switch (state) {
    case 'applied':
      return [
        {
          kind: 'signalOrder',
          subject: order.orderId,
          payload: { stage: 'paid', run: order.run },
          urgent: true,
        },
      ];
    case 'late':
    case 'surplus':
      return [
        { kind: 'startMoney', subject: transactionId, payload: { provider, transactionId }, urgent: true },
      ];
    case 'parked':
      return [];
  }
}
