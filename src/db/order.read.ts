import type { OrderState } from '../domain/order/model';
import { shipmentFields } from './fulfilment.read';
import { fromMicros, isoUtc, microsOf } from './isoUtc';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

/** One timeline of the whole order: its own events and those of its shipments, which name their shipment. */
const timeline = `(SELECT coalesce(json_agg(json_strip_nulls(json_build_object('at', ${isoUtc('t.at')}, 'kind', t.kind,
                            'detail', t.detail)) ORDER BY t.at, t.rank, t.event_id), '[]'::json)
  FROM (SELECT e.at, e.kind, e.detail::json AS detail, 0 AS rank, e.event_id::text AS event_id
          FROM order_event e WHERE e.tenant = o.tenant AND e.order_id = o.order_id
        UNION ALL
        SELECT e.at, e.kind, json_strip_nulls(json_build_object('shipmentId', e.shipment_id, 'place', e.place)), 1, e.event_id
          FROM shipment_event e JOIN shipment s ON s.tenant = e.tenant AND s.shipment_id = e.shipment_id
         WHERE s.tenant = o.tenant AND s.order_id = o.order_id) t)`;

/** What the buyer of order `o` is asked at present; what has been answered stands in the timeline. */
const offers = `(SELECT coalesce(json_agg(json_build_object('offerId', f.offer_id, 'kind', f.kind,
    'detail', json_strip_nulls(json_build_object('lineId', f.line_id, 'sku', l.sku, 'quantity', l.quantity,
      'promisedOn', f.promised_on, 'deliverOn', f.deliver_on, 'amountFen', f.amount_fen)),
    'until', ${isoUtc('f.until')}) ORDER BY l.position, f.kind), '[]'::json)
  FROM offer f JOIN order_line l ON l.tenant = f.tenant AND l.order_id = f.order_id AND l.line_id = f.line_id
 WHERE f.tenant = o.tenant AND f.order_id = o.order_id AND f.state = 'open' AND f.until > clock_timestamp())`;

/** Until when order `o` waits. Its place would cost a look along its queues for each order of a list: see `findOrder`. */
const waiting = `(SELECT json_build_object('until', ${isoUtc('w.until')})
  FROM waiting_order w WHERE w.tenant = o.tenant AND w.order_id = o.order_id AND w.ended_at IS NULL)`;

/** Orders ahead of order `o` in the longest of its queues; null when it does not wait. */
const ahead = `(SELECT max((SELECT count(*) FROM waiting_demand d
    WHERE d.tenant = own.tenant AND d.sku = own.sku AND d.position < own.position
      AND d.campaign_id IS NOT DISTINCT FROM own.campaign_id AND d.region IS NOT DISTINCT FROM own.region))
  FROM waiting_demand own WHERE own.tenant = o.tenant AND own.order_id = o.order_id)`;

/** An order `o` in the contract's shape. Who the buyer is stays in its own, encrypted table. */
const orderJson = `json_build_object(
  'orderId', o.order_id, 'channel', o.channel, 'externalId', o.external_id, 'state', o.state,
  'attention', (SELECT json_build_object('reason', a.reason, 'since', ${isoUtc('a.created_at')})
                  FROM attention a WHERE a.tenant = o.tenant AND a.order_id = o.order_id AND a.resolved_at IS NULL
                 ORDER BY a.created_at, a.attention_id LIMIT 1),
  'expiresAt', ${isoUtc('o.expires_at')}, 'totalFen', o.total_fen, 'paidFen', o.paid_fen, 'refundedFen', o.refunded_fen,
  'lines', (SELECT json_agg(json_strip_nulls(json_build_object('lineId', l.line_id, 'sku', l.sku, 'quantity', l.quantity,
              'supply', l.supply, 'unitPriceFen', l.unit_price_fen, 'discountFen', l.discount_fen,
              'campaignId', l.campaign_id)) ORDER BY l.position)
              FROM order_line l WHERE l.tenant = o.tenant AND l.order_id = o.order_id),
  'waiting', ${waiting},
  'promise', json_build_object('shipBy', ${isoUtc('o.ship_by')}, 'deliverBy', ${isoUtc('o.deliver_by')}),
  'latePayment', CASE WHEN o.late_outcome IS NOT NULL
                      THEN json_build_object('outcome', o.late_outcome, 'at', ${isoUtc('o.late_at')}) END,
  'shipments', (SELECT coalesce(json_agg(json_build_object(${shipmentFields}) ORDER BY s.created_at, s.shipment_id), '[]'::json)
                  FROM shipment s WHERE s.tenant = o.tenant AND s.order_id = o.order_id),
  'offers', ${offers},
  'timeline', ${timeline})`;

/** The contract's order: every part as `GET /v1/orders/{orderId}` answers it. */
export type OrderView = {
  orderId: string;
  latePayment?: object | null;
  waiting?: object | null;
} & Record<string, unknown>;

/** Absent, not null, where the contract marks a field as optional; `attention` and `expiresAt` may be null. */
function withoutAbsent({ latePayment, waiting: wait, ...order }: OrderView): OrderView {
  return {
    ...order,
    ...(latePayment === null ? {} : { latePayment }),
    ...(wait === null ? {} : { waiting: wait }),
  };
}

/** One order of the tenant, or of one channel of it, and its present run; null when there is none. */
export async function findOrder(
  tx: TenantTx,
  { orderId, channel }: { orderId: string; channel: string | null },
): Promise<{ view: OrderView; run: number } | null> {
  const { rows } = await tx.query<{ body: OrderView; run: number; ahead: number | null }>(
    `SELECT ${orderJson} AS body, o.run, ${ahead} AS ahead FROM orders o
      WHERE o.tenant = $1 AND o.order_id = $2 AND ($3::text IS NULL OR o.channel = $3)`,
    [tx.tenant, orderId, channel],
  );
  const found = rows[0];
  if (!found) return null;
  const { body, run } = found;
  if (body.waiting) body.waiting = { ...body.waiting, ahead: found.ahead };
  return { view: withoutAbsent(body), run };
}

export interface OrderFilter {
  state?: OrderState;
  channel?: string;
  externalId?: string;
}

export interface OrderPosition {
  micros: number;
  orderId: string;
}

/** Orders, newest first, each whole. */
export async function listOrders(
  tx: TenantTx,
  filter: OrderFilter,
  page: Page<OrderPosition>,
): Promise<Slice<OrderView, OrderPosition>> {
  // the page is cut before the orders' parts are gathered
  const { rows } = await tx.query<{ micros: number; body: OrderView }>(
    `SELECT ${microsOf('o.created_at')} AS micros, ${orderJson} AS body
       FROM (SELECT * FROM orders
              WHERE tenant = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR channel = $3)
                AND ($4::text IS NULL OR external_id = $4)
                AND ($5::bigint IS NULL OR (created_at, order_id) < (${fromMicros('$5')}, $6))
              ORDER BY created_at DESC, order_id DESC LIMIT $7 + 1) o
      ORDER BY o.created_at DESC, o.order_id DESC`,
    [
      tx.tenant,
      filter.state ?? null,
      filter.channel ?? null,
      filter.externalId ?? null,
      page.after?.micros ?? null,
      page.after?.orderId ?? null,
      page.limit,
    ],
  );
  return sliceOf(rows, page.limit, {
    item: (row) => withoutAbsent(row.body),
    position: ({ micros, body }) => ({ micros, orderId: body.orderId }),
  });
}

/** The channel an order came from; null when the tenant has no such order. */
export async function findOrderChannel(tx: TenantTx, orderId: string): Promise<string | null> {
  const { rows } = await tx.query<{ channel: string }>(
    'SELECT channel FROM orders WHERE tenant = $1 AND order_id = $2',
    [tx.tenant, orderId],
  );
  return rows[0]?.channel ?? null;
}
