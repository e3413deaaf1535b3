import type { LotBalance } from '../../src/domain/inventory/model';

/** The statements of one naive order, prepared once a connection. */

export const lockPools = {
  name: 'naive-lock',
  text: 'SELECT 1 FROM stock_pool WHERE tenant = $1 AND sku = ANY($2::text[]) ORDER BY sku COLLATE "C" FOR UPDATE',
};

export interface StockRow extends LotBalance {
  now: Date;
}

/** Sent with the lock and carried out after it: balances and clock are those of whoever holds the lock. */
export const readStock = {
  name: 'naive-read',
  text: `
    SELECT date_trunc('milliseconds', clock_timestamp()) AS now, b.sku, b.site_id AS "siteId", b.lot_id AS "lotId",
           l.expires_on AS "expiresOn", b.on_hand AS "onHand", b.held, b.committed, b.quarantined
      FROM stock_balance b JOIN lot l ON l.tenant = b.tenant AND l.sku = b.sku AND l.lot_id = b.lot_id
     WHERE b.tenant = $1 AND b.sku = ANY($2::text[])
     ORDER BY b.sku, b.site_id, l.expires_on, b.lot_id`,
};

/** Writes nothing, and counts no row, when the shop's id is taken. */
export const writeOrder = {
  name: 'naive-write',
  text: `
    WITH placed AS (
      INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, community_id,
                          region, lat, lng, delivery_method, total_fen, freight_fen, ship_by, deliver_by, expires_at,
                          live_session_id, placed_on)
      VALUES ($1, $2, $3, $4, $5, $6, 'awaitingPayment', $7, $8, $9, $10, $11, 'express', $12, $13, $14, $15, $16, $17, $18)
      ON CONFLICT DO NOTHING RETURNING tenant, order_id),
    lines AS (
      INSERT INTO order_line (tenant, order_id, line_id, position, sku, quantity, unit_price_fen, discount_fen, supply,
                              components)
      SELECT p.tenant, p.order_id, l.line_id, l.position, l.sku, l.quantity, l.price, l.discount, 'spot', l.components
        FROM placed p, unnest($19::text[], $20::text[], $21::bigint[], $22::bigint[], $23::bigint[], $24::jsonb[])
                         WITH ORDINALITY AS l(line_id, sku, quantity, price, discount, components, position)),
    recipients AS (
      INSERT INTO recipient (tenant, order_id, key_id, sealed, phone_digest)
      SELECT p.tenant, p.order_id, $25::text, $26::bytea, $27::bytea FROM placed p),
    events AS (
      INSERT INTO order_event (tenant, order_id, kind) SELECT p.tenant, p.order_id, 'placed' FROM placed p),
    holds AS (
      INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state,
                        hand_over_on, expires_at)
      SELECT p.tenant, p.order_id || ':1:' || h.position, p.order_id, h.line_id, h.sku, h.site_id, h.lot_id, h.quantity,
             h.quantity, 'held', h.hand_over_on, $16::timestamptz
        FROM placed p, unnest($28::text[], $29::text[], $30::text[], $31::text[], $32::bigint[], $33::date[])
                         WITH ORDINALITY AS h(line_id, sku, site_id, lot_id, quantity, hand_over_on, position))
    INSERT INTO outbox (tenant, kind, subject, payload)
    SELECT p.tenant, 'startOrder', p.order_id, '{"run": 1}' FROM placed p`,
};

export const writeMovements = {
  name: 'naive-journal',
  text: `
    INSERT INTO stock_movement (tenant, batch_id, position, kind, sku, site_id, lot_id, held, cause_kind, cause_id, actor)
    SELECT $1, $2, position, 'held', sku, site_id, lot_id, units, 'order', $3, $4
      FROM unnest($5::text[], $6::text[], $7::text[], $8::bigint[]) WITH ORDINALITY AS m(sku, site_id, lot_id, units, position)`,
};
