import { endOfDay } from '../domain/network/calendar';
import type { LocalDate } from '../domain/network/model';
import { refundShareFen } from '../domain/order/refundShare';
import type { OfferKind, OfferState } from '../domain/presale/offer';
import { readClock } from './admission.read';
import { clearAttention } from './attention';
import { cancelWhole } from './cancel';
import { readGoods } from './cancelRest';
import { type LockedOrder, lockOrdersWithStock, uncommitQuota, unconverted } from './holds';
import { withdrawOffers } from './offer';
import { insertOrderEvent } from './order';
import { finishOrder } from './orderEnd';
import { tellResumed } from './outbox';
import { refundPayments } from './refund';
import type { Database, TenantTx } from './transaction';

export interface OfferAnswer {
  tenant: string;
  orderId: string;
  offerId: string;
  accept: boolean;
  actor: string;
}

/** ended: by its timer, or because the goods came or the order ended first · otherAnswer: it was answered the other way. */
export type AnsweredOffer =
  | { kind: 'answered' }
  | { kind: 'notFound' }
  | { kind: 'ended' }
  | { kind: 'otherAnswer' };

interface LockedOffer {
  offerId: string;
  orderId: string;
  lineId: string;
  kind: OfferKind;
  state: OfferState;
  deliverOn: LocalDate | null;
  due: boolean;
}

/**
 * Takes the buyer's word on an offer, in one transaction and once (I8): a later date moves the promise, the money
 * back gives the line up; either withdraws the other offer. Declining leaves the promise as it is. The same answer
 * again is the same answer. Database time under the locks decides whether it came in time.
 */
export async function answerOffer(db: Database, answer: OfferAnswer): Promise<AnsweredOffer> {
  return db.inTenant(answer.tenant, async (tx) => {
    const [order] = await lockOrdersWithStock(tx, [answer.orderId]);
    const offer = order && (await lockOffer(tx, answer));
    if (!order || !offer) return { kind: 'notFound' };
    switch (offer.state) {
      case 'accepted':
      case 'declined':
        return { kind: (offer.state === 'accepted') === answer.accept ? 'answered' : 'otherAnswer' };
      case 'lapsed':
      case 'withdrawn':
        return { kind: 'ended' };
      case 'open':
        if (offer.due) return { kind: 'ended' };
        await takeAnswer(tx, { order, offer, answer });
        return { kind: 'answered' };
    }
  });
}

const offerColumns = `offer_id AS "offerId", order_id AS "orderId", line_id AS "lineId", kind, state,
  deliver_on AS "deliverOn", until <= clock_timestamp() AS due`;

async function lockOffer(
  tx: TenantTx,
  { orderId, offerId }: { orderId: string; offerId: string },
): Promise<LockedOffer | undefined> {
  const { rows } = await tx.query<LockedOffer>(
    `SELECT ${offerColumns} FROM offer WHERE tenant = $1 AND order_id = $2 AND offer_id = $3 FOR UPDATE`,
    [tx.tenant, orderId, offerId],
  );
  return rows[0];
}

interface Answering {
  order: LockedOrder;
  offer: LockedOffer;
  answer: OfferAnswer;
}

async function takeAnswer(tx: TenantTx, { order, offer, answer }: Answering): Promise<void> {
  const { actor, accept } = answer;
  const { offerId, lineId, kind } = offer;
  await tx.query(
    `UPDATE offer SET state = $3, ended_at = clock_timestamp(), ended_by = $4 WHERE tenant = $1 AND offer_id = $2`,
    [tx.tenant, offerId, accept ? 'accepted' : 'declined', actor],
  );
  await insertOrderEvent(tx, order.orderId, 'offerAnswered', { lineId, offer: kind, accept, by: actor });
  if (!accept) return;
  if (kind === 'refund') return giveUpLine(tx, { order, offer, actor });
  await movePromise(tx, { order, offer });
}

/** The buyer agreed to a later day: the line's promise, its place in the queue and the order's promise move to it. */
async function movePromise(tx: TenantTx, { order, offer }: Omit<Answering, 'answer'>): Promise<void> {
  const { orderId } = order;
  const { lineId, deliverOn } = offer;
  const { rowCount } = await tx.query(
    `UPDATE quota_hold q SET promised_on = $4
      WHERE q.tenant = $1 AND q.order_id = $2 AND q.line_id = $3 AND ${unconverted}`,
    [tx.tenant, orderId, lineId, deliverOn],
  );
  if (rowCount !== 1 || deliverOn === null)
    throw new Error('I8 an offer stood for a line that does not wait');
  const { timeZone } = await readClock(tx);
  const by = new Date(endOfDay(deliverOn, timeZone));
  await tx.query(
    `UPDATE orders SET ship_by = greatest(ship_by, $3), deliver_by = greatest(deliver_by, $3)
      WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId, by],
  );
  await withdrawOffers(tx, [{ orderId, lineId }]);
  await insertOrderEvent(tx, orderId, 'repromised', { lineId, deliverBy: by.toISOString() });
  // raised again by the workflow if another line is past its day
  await clearAttention(tx, 'presaleOverdue', orderId);
  await tellResumed(tx, [order]);
}

interface GivingUp {
  order: LockedOrder;
  offer: Pick<LockedOffer, 'offerId' | 'lineId'>;
  actor: string;
}

/**
 * Ends one line that no goods stand behind: its units return to the quota and its worth to the buyer, once. When
 * nothing else is left of the order it ends with it, and freight goes back too; else the rest goes on. The caller has
 * locked with `lockOrdersWithStock`.
 */
async function giveUpLine(tx: TenantTx, { order, offer, actor }: GivingUp): Promise<void> {
  const { orderId } = order;
  const { lineId, offerId } = offer;
  await uncommitQuota(tx, { orderIds: [orderId], lineId });
  await insertOrderEvent(tx, orderId, 'lineCancelled', { lineId, by: actor });
  if (!(await isAnythingLeft(tx, orderId))) return cancelWhole(tx, order, { reason: 'presaleShort', actor });
  // a line without goods counts as one share: the whole line
  const limitFen = refundShareFen(await readGoods(tx, orderId), [{ lineId, units: 1 }]);
  await refundPayments(tx, { orderId, reason: `offer:${offerId}`, limitFen });
  await finishOrder(tx, order);
  await tellResumed(tx, [order]);
}

/** Goods that were sent or will be, or another line that still waits for its own. */
async function isAnythingLeft(tx: TenantTx, orderId: string): Promise<boolean> {
  const { rows } = await tx.query<{ left: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM shipment s WHERE s.tenant = $1 AND s.order_id = $2 AND s.state <> 'cancelled')
         OR EXISTS (SELECT 1 FROM hold h WHERE h.tenant = $1 AND h.order_id = $2 AND h.remaining > 0)
         OR EXISTS (SELECT 1 FROM quota_hold q WHERE q.tenant = $1 AND q.order_id = $2 AND ${unconverted}) AS left`,
    [tx.tenant, orderId],
  );
  return rows[0]?.left ?? false;
}

const timer = 'system:offerTimer';

/**
 * Ends offers of a tenant that nobody answered in time, of at most `limit` orders, in one transaction. Silence is no
 * consent to wait: while the money back stands open the line is given up and paid back. A buyer who declined the
 * money and said nothing to the later date keeps the promise as it was. Answers the number of orders looked at.
 */
export async function lapseDueOffers(db: Database, tenant: string, limit: number): Promise<number> {
  return db.inTenant(tenant, async (tx) => {
    const found = await tx.query<{ order_id: string }>(
      `SELECT order_id FROM offer WHERE tenant = $1 AND state = 'open' AND until <= clock_timestamp()
        GROUP BY order_id ORDER BY min(until), order_id LIMIT $2`,
      [tenant, limit],
    );
    const orderIds = found.rows.map((row) => row.order_id);
    const orders = new Map((await lockOrdersWithStock(tx, orderIds)).map((order) => [order.orderId, order]));
    const { rows: lapsed } = await tx.query<LockedOffer>(
      `UPDATE offer SET state = 'lapsed', ended_at = clock_timestamp(), ended_by = $3
        WHERE tenant = $1 AND order_id = ANY($2::text[]) AND state = 'open' AND until <= clock_timestamp()
        RETURNING ${offerColumns}`,
      [tenant, orderIds, timer],
    );
    for (const offer of lapsed.sort((a, b) => (a.offerId < b.offerId ? -1 : 1))) {
      const order = orders.get(offer.orderId);
      if (order && offer.kind === 'refund') await giveUpLine(tx, { order, offer, actor: timer });
    }
    return orderIds.length;
  });
}
