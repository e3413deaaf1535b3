import { hash } from 'node:crypto';
import type { OrderState } from '../domain/order/model';
import { instantColumn, numberColumn, textColumn } from './columns';
import type { Database, TenantTx } from './transaction';

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lowercase RFC 4648 base32 of a SHA-256, cut to `length` characters (5 bits each). */
export function computedId(prefix: string, parts: string[], length = 24): string {
  const digest = hash('sha256', parts.join('\n'), 'buffer');
  let text = prefix;
  // numbers, not one big integer: 1.5 µs instead of 5
  for (let index = 0; index < length; index += 1) {
    const bit = index * 5;
    const at = bit >> 3;
    const pair = ((digest[at] as number) << 8) | (digest[at + 1] ?? 0);
    text += base32[(pair >> (11 - (bit & 7))) & 31];
  }
  return text;
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
  channel: string;
  externalId: string;
  answer: object;
  bodyDigest: Buffer;
}

/** What a shop calls its order: unique within a tenant. */
export function shopKey({ channel, externalId }: { channel: string; externalId: string }): string {
  return JSON.stringify([channel, externalId]);
}

/** The orders that shops placed under their own ids, as they were answered; by `shopKey`. */
export async function findByExternalIds(
  tx: TenantTx,
  orders: readonly { channel: string; externalId: string }[],
): Promise<Map<string, StoredAnswer>> {
  const { rows } = await tx.query<StoredAnswer>(
    `SELECT o.channel, o.external_id AS "externalId", o.answer, o.body_digest AS "bodyDigest"
       FROM unnest($2::text[], $3::text[]) AS w(channel, external_id)
       JOIN orders o ON o.tenant = $1 AND o.channel = w.channel AND o.external_id = w.external_id`,
    [tx.tenant, orders.map((order) => order.channel), orders.map((order) => order.externalId)],
  );
  return new Map(rows.map((row) => [shopKey(row), row]));
}

export interface NewOrder {
  orderId: string;
  channel: string;
  externalId: string;
  bodyDigest: Buffer;
  answer: object;
  state: 'awaitingPayment' | 'paid' | 'waiting';
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

/**
 * Writes orders and their lines, with one statement a table, the orders by their ids: two transactions that write some
 * of the same ones wait for each other in one direction. A shop's id that another request took meanwhile is a
 * conflict: the transaction runs again, and its caller finds the first answer.
 */
export async function insertOrders(tx: TenantTx, orders: readonly NewOrder[]): Promise<void> {
  const byId = [...orders].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));
  await Promise.all([insertHeads(tx, byId), insertLines(tx, byId)]);
}

async function insertHeads(tx: TenantTx, orders: readonly NewOrder[]): Promise<void> {
  await tx.query(
    `INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id,
                         pickup_point_id, region, lat, lng, delivery_method, window_from, window_to, total_fen,
                         freight_fen, paid_fen, ship_by, deliver_by, expires_at, live_session_id, placed_on, paid_at)
     SELECT $1, order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id, pickup_point_id,
            region, lat, lng, delivery_method, window_from, window_to, total_fen, freight_fen, paid_fen, ship_by,
            deliver_by, expires_at, live_session_id, placed_on, CASE WHEN state = 'paid' THEN clock_timestamp() END
       FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::json[], $7::text[], $8::text[], $9::text[],
                   $10::text[], $11::text[], $12::float8[], $13::float8[], $14::text[], $15::timestamptz[],
                   $16::timestamptz[], $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[],
                   $21::timestamptz[], $22::timestamptz[], $23::text[], $24::date[])
            AS o(order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id, pickup_point_id,
                 region, lat, lng, delivery_method, window_from, window_to, total_fen, freight_fen, paid_fen, ship_by,
                 deliver_by, expires_at, live_session_id, placed_on)`,
    [
      tx.tenant,
      textColumn(orders, (order) => order.orderId),
      textColumn(orders, (order) => order.channel),
      textColumn(orders, (order) => order.externalId),
      orders.map((order) => order.bodyDigest),
      textColumn(orders, (order) => JSON.stringify(order.answer)),
      textColumn(orders, (order) => order.state),
      textColumn(orders, (order) => order.buyerRef),
      textColumn(orders, (order) => order.communityId),
      textColumn(orders, (order) => order.pickupPointId),
      textColumn(orders, (order) => order.region),
      numberColumn(orders, (order) => order.location?.lat ?? null),
      numberColumn(orders, (order) => order.location?.lng ?? null),
      textColumn(orders, (order) => order.deliveryMethod),
      instantColumn(orders, (order) => order.window?.from ?? null),
      instantColumn(orders, (order) => order.window?.to ?? null),
      numberColumn(orders, (order) => order.totalFen),
      numberColumn(orders, (order) => order.freightFen),
      numberColumn(orders, (order) => order.paidFen),
      instantColumn(orders, (order) => order.shipBy),
      instantColumn(orders, (order) => order.deliverBy),
      instantColumn(orders, (order) => order.expiresAt),
      textColumn(orders, (order) => order.liveSessionId),
      textColumn(orders, (order) => order.placedOn),
    ],
  );
}

async function insertLines(tx: TenantTx, orders: readonly NewOrder[]): Promise<void> {
  const lines = orders.flatMap(({ orderId, lines: own }) =>
    own.map((line, index) => ({ ...line, orderId, position: index + 1 })),
  );
  await tx.query(
    `INSERT INTO order_line (tenant, order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply,
                             campaign_id, components)
     SELECT $1, order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply, campaign_id, components
       FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                   $9::text[], $10::text[], $11::jsonb[])
            AS l(order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply, campaign_id, components)`,
    [
      tx.tenant,
      textColumn(lines, (line) => line.orderId),
      textColumn(lines, (line) => line.lineId),
      numberColumn(lines, (line) => line.position),
      textColumn(lines, (line) => line.sku),
      numberColumn(lines, (line) => line.quantity),
      numberColumn(lines, (line) => line.unitPriceFen),
      numberColumn(lines, (line) => line.discountFen),
      textColumn(lines, (line) => line.supply),
      textColumn(lines, (line) => line.campaignId),
      textColumn(lines, (line) => JSON.stringify(line.components)),
    ],
  );
}

/** One line of the buyer's timeline. */
export interface NewOrderEvent {
  orderId: string;
  kind: string;
  detail?: object;
}

export async function insertOrderEvent(
  tx: TenantTx,
  orderId: string,
  kind: string,
  detail?: object,
): Promise<void> {
  await insertOrderEvents(tx, [{ orderId, kind, detail }]);
}

/** Lines of any number of orders' timelines, in the order given. */
export async function insertOrderEvents(tx: TenantTx, events: readonly NewOrderEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `INSERT INTO order_event (tenant, order_id, kind, detail)
     SELECT $1, order_id, kind, detail::jsonb FROM unnest($2::text[], $3::text[], $4::text[]) AS e(order_id, kind, detail)`,
    [
      tx.tenant,
      textColumn(events, (event) => event.orderId),
      textColumn(events, (event) => event.kind),
      textColumn(events, ({ detail }) => (detail === undefined ? null : JSON.stringify(detail))),
    ],
  );
}
