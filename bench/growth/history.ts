import { Client } from 'pg';
import { createDatabase, type TenantTx } from '../../src/db/transaction';
import { closeBooks } from '../support/books';

const ordersAtOnce = 20_000;
const ordersInBatch = 250;

export interface Past {
  tenant: string;
  sku: string;
  orders: number;
}

/**
 * Orders of the year that has passed, placed and never paid, in every table where an unpaid order leaves rows: order,
 * line, recipient, hold, timeline, outgoing events, and the journal's entries of holding and freeing the unit. They
 * are written in large statements as the application's own role: row-level security, constraints and triggers are on.
 * What the outbox told them is cleared away after days anyway.
 */
export async function writePast(url: string, past: Past, tell: (written: number) => void): Promise<void> {
  const db = createDatabase({ url, role: 'xianda_app', maxConnections: 1 });
  try {
    for (let from = 0; from < past.orders; from += ordersAtOnce) {
      const to = Math.min(past.orders, from + ordersAtOnce);
      await db.inTenant(past.tenant, (tx) => writeSome(tx, { ...past, from, to }));
      tell(to);
    }
  } finally {
    await db.close();
  }
  await closeBooks(url);
  await tidy(url);
}

interface Part extends Past {
  from: number;
  to: number;
}

async function writeSome(tx: TenantTx, { tenant, sku, orders, from, to }: Part): Promise<void> {
  const which = [tenant, from, to, orders];
  await tx.query(insertOrders, [...which, sku]);
  await tx.query(insertLines, [...which, sku]);
  await tx.query(insertRecipients, which);
  await tx.query(insertEvents, which);
  await tx.query(insertHolds, [...which, sku]);
  // one statement after the other, so that the books tell of every unit's holding before its freeing
  for (const kind of ['held', 'expired']) await tx.query(insertMovements, [...which, sku, kind]);
  await tx.query(publish, [tenant]);
}

/** Orders $2 to $3 of $4: ids are as scattered as real ones, times as even as a year's. */
const past = `
  (SELECT n, 'o' || left(md5(n::text), 24) AS id, placed, placed + interval '30 minutes' AS due
     FROM (SELECT n, date_trunc('milliseconds', now() - interval '1 day'
                    - interval '365 days' * (1 - n::float8 / $4::bigint)) AS placed
             FROM generate_series($2::bigint, $3::bigint - 1) n) s) p`;

const insertOrders = `
  INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id, region,
                      lat, lng, delivery_method, total_fen, freight_fen, ship_by, deliver_by, expires_at, placed_on,
                      created_at, ended_at)
  SELECT $1, id, 'wechat', 'past-' || n, sha256(n::text::bytea),
         json_build_object('orderId', id, 'state', 'awaitingPayment', 'expiresAt', due, 'totalFen', 5900,
           'lines', json_build_array(json_build_object('lineId', '1', 'sku', $5::text, 'quantity', 1, 'supply', 'spot',
                                                       'unitPriceFen', 5900)),
           'promise', json_build_object('shipBy', due, 'deliverBy', due + interval '1 day')),
         'expired', 'buyer-' || n % 200000, 'garden', 'shanghai', 31.23, 121.55, 'express', 5900, 0, due,
         due + interval '1 day', due, (placed AT TIME ZONE 'Asia/Shanghai')::date, placed, due + interval '1 second'
    FROM ${past} ORDER BY n`;

const insertLines = `
  INSERT INTO order_line (tenant, order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply,
                          components)
  SELECT $1, id, '1', 1, $5, 1, 5900, 0, 'spot', jsonb_build_array(jsonb_build_object('sku', $5::text, 'quantity', 1))
    FROM ${past} ORDER BY n`;

/** Sealed bytes are as long as real ones and open for nobody. */
const insertRecipients = `
  INSERT INTO recipient (tenant, order_id, key_id, sealed, phone_digest)
  SELECT $1, id, 'past', decode(repeat(md5('sealed' || n), 18), 'hex'), sha256(n::text::bytea) FROM ${past} ORDER BY n`;

const insertHolds = `
  INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state, hand_over_on,
                    expires_at, created_at, ended_at)
  SELECT $1, id || ':1:1', id, '1', $5, 'barn', 'harvest', 1, 0, 'expired', (due + interval '1 day')::date, due, placed,
         due + interval '1 second'
    FROM ${past} ORDER BY n`;

const insertEvents = `
  INSERT INTO order_event (tenant, order_id, kind, at)
  SELECT $1, id, kind, CASE kind WHEN 'placed' THEN placed ELSE due + interval '1 second' END
    FROM ${past}, unnest(ARRAY['placed', 'expired']) kind ORDER BY n`;

const insertMovements = `
  INSERT INTO stock_movement (tenant, batch_id, position, kind, sku, site_id, lot_id, held, cause_kind, cause_id, actor, at)
  SELECT $1, md5($6::text || n / ${ordersInBatch} || $1)::uuid, n % ${ordersInBatch} + 1, $6, $5, 'barn', 'harvest',
         CASE $6::text WHEN 'held' THEN 1 ELSE -1 END, 'order', id, 'channel:past', placed
    FROM ${past} ORDER BY n`;

/** What the publisher does, for all of them at once. */
const publish = `
  UPDATE event e
     SET position = p.base + p.place, published_at = e.at, channel = 'wechat',
         data = jsonb_build_object('orderId', e.subject, 'channel', 'wechat', 'externalId', o.external_id, 'state', o.state,
                  'totalFen', o.total_fen, 'paidFen', 0, 'refundedFen', 0, 'expiresAt', o.expires_at,
                  'promise', jsonb_build_object('shipBy', o.ship_by, 'deliverBy', o.deliver_by))
    FROM (SELECT event_id, row_number() OVER (ORDER BY ordinal) AS place,
                 (SELECT coalesce(max(position), 0) FROM event WHERE tenant = $1 AND position IS NOT NULL) AS base
            FROM event WHERE tenant = $1 AND position IS NULL) p, orders o
   WHERE e.tenant = $1 AND e.event_id = p.event_id AND o.tenant = $1 AND o.order_id = e.subject`;

/** As autovacuum will have done long before. */
async function tidy(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

/** What the database takes on disk, in MB (2^20 bytes). */
export async function readSizeMB(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>(
      'SELECT pg_database_size(current_database())::text AS bytes',
    );
    return Number(rows[0]?.bytes) / 2 ** 20;
  } finally {
    await client.end();
  }
}
