import fc from 'fast-check';
import { expireOrder } from '../../src/db/expiry';
import { givenJourney, type Journey } from '../db/orderJourney';
import type { TestDatabase } from '../support/database';
import { givenStock } from '../support/fixtures';
import { letHoldsEnd } from './support';

/** A shop with more goods than a property test can sell. */
export async function givenBigShop(database: TestDatabase): Promise<Journey> {
  const shop = await givenJourney(database);
  for (const sku of ['apple', 'milk']) await givenStock(database, shop.tenant, { sku, quantity: 100_000 });
  await database.query('UPDATE presale_quota SET units = 100000 WHERE tenant = $1', [shop.tenant]);
  return shop;
}

export const someStage = fc.constantFrom(
  'open',
  'open',
  'presale',
  'pickup',
  'due',
  'expired',
  'cancelled',
  'paid',
  'planned',
);
export type Stage = typeof someStage extends fc.Arbitrary<infer T> ? T : never;

export interface Placed {
  orderId: string;
  totalFen: number;
}

/** Orders of two SKUs, brought to their stages by the product's own functions. */
export async function givenOrdersAt(
  database: TestDatabase,
  shop: Journey,
  stages: Stage[],
): Promise<Placed[]> {
  const placed: Placed[] = [];
  for (const stage of stages) {
    const request = {
      buyer: {
        ref: `buyer-${stage}`,
        ...(stage === 'pickup' ? { pickupPointId: 'point-cold' } : { communityId: 'garden' }),
      },
      lines: [
        { sku: 'apple', quantity: 1 },
        { sku: 'milk', quantity: 2 },
        ...(stage === 'presale' ? [{ sku: 'pear', quantity: 1, supply: 'presale' as const }] : []),
      ],
    };
    if (stage === 'planned') {
      placed.push(await shop.planned(request));
      continue;
    }
    const order = await shop.place(request);
    const { orderId } = order;
    if (stage === 'due' || stage === 'expired') await letHoldsEnd(database, shop.tenant, orderId);
    if (stage === 'expired') await expireOrder(shop.db, shop.tenant, orderId);
    if (stage === 'paid') await shop.pay(order);
    if (stage === 'cancelled') await shop.cancel(orderId);
    placed.push(order);
  }
  return placed;
}

/** Everything about a shop's orders but times, with their places instead of their ids: twins must be equal in it. */
export async function remains(
  database: TestDatabase,
  { tenant }: Journey,
  { orders, prefix }: { orders: Placed[]; prefix: string },
): Promise<string> {
  const ids = orders.map(({ orderId }) => orderId);
  const rows: unknown[] = [];
  for (const query of whatRemains) rows.push(await database.query(query, [tenant, ids, `${prefix}%`]));
  return ids.reduce(
    (text, id, place) => text.replaceAll(id, `order ${place}`),
    JSON.stringify(rows, null, 1),
  );
}

/** $1 tenant, $2 the orders' ids, $3 what ids of notices begin with. */
const whatRemains = [
  `SELECT order_id, state, paid_fen, refunded_fen, run, paid_at IS NULL AS unpaid, ended_at IS NULL AS open
     FROM orders WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id)`,
  `SELECT order_id, kind, detail - 'refundId' AS detail FROM order_event
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id), event_id`,
  `SELECT subject, type, data - 'refundId' AS data FROM event
    WHERE tenant = $1 AND subject = ANY($2) AND $3 <> '' ORDER BY array_position($2, subject), ordinal`,
  `SELECT order_id, state, sku, remaining FROM hold
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id), sku`,
  `SELECT order_id, state, uncommitted_at IS NULL AS stands FROM quota_hold
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id)`,
  `SELECT order_id, zone, millilitres, released_at IS NULL AS taken FROM capacity_hold
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id), zone`,
  `SELECT cause_id, kind, sku, held, committed, actor FROM stock_movement
    WHERE tenant = $1 AND cause_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, cause_id), kind, sku`,
  `SELECT transaction_id, order_id, amount_fen, state FROM payment
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id), transaction_id`,
  `SELECT order_id, amount_fen, state, reason FROM refund
    WHERE tenant = $1 AND order_id = ANY($2) AND $3 <> '' ORDER BY array_position($2, order_id), amount_fen`,
  `SELECT kind, subject, payload, urgent FROM outbox
    WHERE tenant = $1 AND (subject = ANY($2) OR subject LIKE $3) ORDER BY outbox_id`,
  `SELECT notification_id, encode(body_digest, 'hex') AS digest FROM payment_notification
    WHERE tenant = $1 AND $2::text[] IS NOT NULL AND notification_id LIKE $3 ORDER BY notification_id`,
  `SELECT reason, subject, order_id, owner, detail FROM attention
    WHERE tenant = $1 AND (order_id = ANY($2) OR subject LIKE $3) ORDER BY reason, subject`,
  `SELECT region, held, sold FROM presale_quota
    WHERE tenant = $1 AND $2::text[] IS NOT NULL AND $3 <> '' ORDER BY region`,
  `SELECT pickup_point_id, zone, millilitres FROM point_load
    WHERE tenant = $1 AND $2::text[] IS NOT NULL AND $3 <> '' ORDER BY pickup_point_id, zone`,
];
