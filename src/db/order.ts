import { createHash } from 'node:crypto';
import type { OrderState } from '../domain/order/model';
import type { Database, TenantTx } from './transaction';

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lowercase RFC 4648 base32 of a SHA-256, cut to `length` characters (5 bits each). */
export function computedId(prefix: string, parts: string[], length = 24): string {
  const digest = createHash('sha256').update(parts.join('\n')).digest();
  let bits = 0n;
  for (const byte of digest) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let index = 0; index < length; index += 1)
    text += base32[Number((bits >> BigInt(251 - index * 5)) & 31n)];
  return prefix + text;
}

/** The same shop's order always gets the same id: the key of idempotency at every layer (I6). */
export function orderIdOf(order: { tenant: string; channel: string; externalId: string }): string {
  return computedId('o', [order.tenant, order.channel, order.externalId]);
}

export interface OrderForWorkflow {
  state: OrderState;
  /** Null: came already paid. */
  expiresAt: Date | null;
  placedAt: Date;
  deliverBy: Date;
  run: number;
  liveSessionId: string | null;
  pickupPointId: string | null;
}

/** What the order's workflow waits on; null when the order does not exist. */
export async function findOrderForWorkflow(
  db: Database,
  tenant: string,
  orderId: string,
): Promise<OrderForWorkflow | null> {
  return db.inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<OrderForWorkflow>(
      `SELECT state, expires_at AS "expiresAt", created_at AS "placedAt", deliver_by AS "deliverBy", run, live_session_id AS "liveSessionId",
              pickup_point_id AS "pickupPointId"
         FROM orders WHERE tenant = $1 AND order_id = $2`,
      [tenant, orderId],
    );
    return rows[0] ?? null;
  });
}

export interface StoredAnswer {
  orderId: string;
  answer: object;
  bodyDigest: Buffer;
}

/** The order a shop placed under its own id, as it was answered. */
export async function findByExternalId(
  tx: TenantTx,
  order: { channel: string; externalId: string },
): Promise<StoredAnswer | null> {
  const { rows } = await tx.query<StoredAnswer>(
    `SELECT order_id AS "orderId", answer, body_digest AS "bodyDigest"
       FROM orders WHERE tenant = $1 AND channel = $2 AND external_id = $3`,
    [tx.tenant, order.channel, order.externalId],
  );
  return rows[0] ?? null;
}

export interface NewOrder {
  orderId: string;
  channel: string;
  externalId: string;
  bodyDigest: Buffer;
  answer: object;
  state: 'awaitingPayment' | 'paid';
  buyerRef: string;
  communityId: string | null;
  pickupPointId: string | null;
  region: string | null;
  location: { lat: number; lng: number } | null;
  deliveryMethod: 'express' | 'pickup' | 'local';
  window: { from: Date; to: Date } | null;
  totalFen: number;
  freightFen: number;
  paidFen: number;
  shipBy: Date;
  deliverBy: Date;
  expiresAt: Date | null;
  liveSessionId: string | null;
  placedOn: string;
  lines: NewOrderLine[];
}

export interface NewOrderLine {
  lineId: string;
  sku: string;
  quantity: number;
  unitPriceFen: number;
  discountFen: number;
  supply: 'spot' | 'presale';
  campaignId: string | null;
  components: { sku: string; quantity: number }[];
}

/** Writes the order and its lines; false when the shop's id is taken (a race that the caller then looks up). */
export async function insertOrder(tx: TenantTx, order: NewOrder): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id,
                         pickup_point_id, region, lat, lng, delivery_method, window_from, window_to, total_fen,
                         freight_fen, paid_fen, ship_by, deliver_by, expires_at, live_session_id, placed_on, paid_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
             $24, CASE WHEN $7 = 'paid' THEN clock_timestamp() END)
     ON CONFLICT DO NOTHING`,
    [
      tx.tenant,
      order.orderId,
      order.channel,
      order.externalId,
      order.bodyDigest,
      JSON.stringify(order.answer),
      order.state,
      order.buyerRef,
      order.communityId,
      order.pickupPointId,
      order.region,
      order.location?.lat ?? null,
      order.location?.lng ?? null,
      order.deliveryMethod,
      order.window?.from ?? null,
      order.window?.to ?? null,
      order.totalFen,
      order.freightFen,
      order.paidFen,
      order.shipBy,
      order.deliverBy,
      order.expiresAt,
      order.liveSessionId,
      order.placedOn,
    ],
  );
  if (rowCount === 0) return false;
  await tx.query(
    `INSERT INTO order_line (tenant, order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply,
                             campaign_id, components)
     SELECT $1, $2, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply, campaign_id, components::jsonb
       FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[])
            WITH ORDINALITY AS l(line_id, sku, quantity, unit_price_fen, discount_fen, supply, campaign_id, components, position)`,
    [
      tx.tenant,
      order.orderId,
      order.lines.map((line) => line.lineId),
      order.lines.map((line) => line.sku),
      order.lines.map((line) => line.quantity),
      order.lines.map((line) => line.unitPriceFen),
      order.lines.map((line) => line.discountFen),
      order.lines.map((line) => line.supply),
      order.lines.map((line) => line.campaignId),
      order.lines.map((line) => JSON.stringify(line.components)),
    ],
  );
  return true;
}

/** One line of the buyer's timeline. */
export async function insertOrderEvent(
  tx: TenantTx,
  orderId: string,
  kind: string,
  detail?: object,
): Promise<void> {
  await tx.query('INSERT INTO order_event (tenant, order_id, kind, detail) VALUES ($1, $2, $3, $4)', [
    tx.tenant,
    orderId,
    kind,
    detail === undefined ? null : JSON.stringify(detail),
  ]);
}
