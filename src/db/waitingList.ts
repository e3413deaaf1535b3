import type { WaitingDemand } from '../domain/order/waitingList';
import { type LockedOrder, lockOrdersWithStock } from './holds';
import { endOrders } from './orderEnd';
import type { Database, TenantTx } from './transaction';

export interface Joining {
  orderId: string;
  until: Date;
  demand: WaitingDemand[];
}

/**
 * Puts orders into line, in the order given. They are written and in state `waiting`; the caller holds the locks of
 * every pool and quota they ask of, which is what makes the positions the order of the commits.
 */
export async function joinWaitingList(tx: TenantTx, joining: Joining[]): Promise<void> {
  if (joining.length === 0) return;
  const parts = joining.flatMap(({ orderId, demand }) =>
    demand.map((each, index) => ({ orderId, part: index + 1, ...each })),
  );
  await tx.query(
    `WITH joined AS (
       INSERT INTO waiting_order (tenant, order_id, parts, until)
       SELECT $1, order_id, parts, until
         FROM unnest($2::text[], $3::integer[], $4::timestamptz[]) WITH ORDINALITY AS j(order_id, parts, until, turn)
        ORDER BY turn
       RETURNING order_id, position)
     INSERT INTO waiting_demand (tenant, order_id, part, position, sku, campaign_id, region, units)
     SELECT $1, d.order_id, d.part, j.position, d.sku, d.campaign_id, d.region, d.units
       FROM unnest($5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::bigint[])
            AS d(order_id, part, sku, campaign_id, region, units)
       JOIN joined j ON j.order_id = d.order_id`,
    [
      tx.tenant,
      joining.map(({ orderId }) => orderId),
      joining.map(({ demand }) => demand.length),
      joining.map(({ until }) => until),
      parts.map((part) => part.orderId),
      parts.map(({ part }) => part),
      parts.map((part) => part.sku),
      parts.map((part) => part.campaignId),
      parts.map((part) => part.region),
      parts.map((part) => part.units),
    ],
  );
}

/** Takes an order out of line. The caller has locked it and the pools and quotas it asked of. */
export async function leaveWaitingList(
  tx: TenantTx,
  { orderIds, outcome }: { orderIds: string[]; outcome: 'promoted' | 'cancelled' },
): Promise<void> {
  if (orderIds.length === 0) return;
  await tx.query('DELETE FROM waiting_demand WHERE tenant = $1 AND order_id = ANY($2::text[])', [
    tx.tenant,
    orderIds,
  ]);
  await tx.query(
    `UPDATE waiting_order SET ended_at = clock_timestamp(), outcome = $3
      WHERE tenant = $1 AND order_id = ANY($2::text[]) AND ended_at IS NULL`,
    [tx.tenant, orderIds, outcome],
  );
}

/**
 * Units that those ahead of an order ask for in each of its queues, and could have. Exact while the caller holds the
 * locks of the pools and quotas: nobody joins or leaves meanwhile.
 */
export async function readAhead(tx: TenantTx, orderId: string): Promise<WaitingDemand[]> {
  const { rows } = await tx.query<WaitingDemand>(
    `SELECT d.sku, d.campaign_id AS "campaignId", d.region, sum(d.units)::bigint AS units
       FROM waiting_demand own
       JOIN waiting_demand d ON d.tenant = own.tenant AND d.sku = own.sku AND d.position < own.position
                            AND d.campaign_id IS NOT DISTINCT FROM own.campaign_id
                            AND d.region IS NOT DISTINCT FROM own.region
       JOIN waiting_order w ON w.tenant = d.tenant AND w.order_id = d.order_id
      WHERE own.tenant = $1 AND own.order_id = $2 AND NOT passed_over(w) GROUP BY d.sku, d.campaign_id, d.region`,
    [tx.tenant, orderId],
  );
  return rows;
}

/** Units that those in line ask for, of the SKUs for which somebody waits. */
export async function readWaitingUnits(tx: TenantTx, skus: string[]): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ sku: string; waiting: number }>(
    'SELECT sku, waiting FROM stock_pool WHERE tenant = $1 AND sku = ANY($2::text[]) AND waiting > 0',
    [tx.tenant, skus],
  );
  return new Map(rows.map(({ sku, waiting }) => [sku, waiting]));
}

/** Ends waiting orders unserved. They have no workflow and hold nothing. Locked as for `leaveWaitingList`. */
export async function cancelWaiting(
  tx: TenantTx,
  orders: LockedOrder[],
  detail: { reason: string; by: string } & Record<string, unknown>,
): Promise<void> {
  await leaveWaitingList(tx, { orderIds: orders.map(({ orderId }) => orderId), outcome: 'cancelled' });
  await endOrders(
    tx,
    'cancelled',
    orders.map((order) => ({ order, detail })),
  );
}

/**
 * Ends the waits of the tenant whose time is over, at most `limit`, in one transaction. Answers how many it ended. Run
 * again it finds the next.
 */
export async function endDueWaits(db: Database, tenant: string, limit: number): Promise<number> {
  return db.inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<{ order_id: string }>(
      `SELECT order_id FROM waiting_order WHERE tenant = $1 AND ended_at IS NULL AND until <= clock_timestamp()
        ORDER BY until, order_id LIMIT $2`,
      [tenant, limit],
    );
    if (rows.length === 0) return 0;
    const locked = await lockOrdersWithStock(
      tx,
      rows.map((row) => row.order_id),
    );
    const waiting = locked.filter((order) => order.state === 'waiting');
    await cancelWaiting(tx, waiting, { reason: 'waitEnded', by: 'system:waitingList' });
    return waiting.length;
  });
}

/** The orders of the tenant that could be next, in the order of their places; whose turn it is the admission decides. */
export async function findNextInLine(tx: TenantTx, limit: number): Promise<string[]> {
  const { rows } = await tx.query<{ order_id: string }>(
    `SELECT order_id FROM waiting_next
      WHERE tenant = $1 ORDER BY position LIMIT $2`,
    [tx.tenant, limit],
  );
  return rows.map((row) => row.order_id);
}

/** What is free does not serve the order: until its pools change nothing is kept for it. */
export async function passOver(tx: TenantTx, orderId: string): Promise<void> {
  await tx.query(
    `UPDATE waiting_order SET looked_at = clock_timestamp(), looked_version = (
       SELECT sum(p.version) FROM waiting_demand d JOIN stock_pool p ON p.tenant = d.tenant AND p.sku = d.sku
        WHERE d.tenant = $1 AND d.order_id = $2)
      WHERE tenant = $1 AND order_id = $2`,
    [tx.tenant, orderId],
  );
}

/** Tenants with anybody in line. Role xianda_dispatch. */
export async function findTenantsWhoWait(db: Database): Promise<string[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string }>(
      `SELECT t.tenant FROM tenant t
        WHERE EXISTS (SELECT 1 FROM waiting_order w WHERE w.tenant = t.tenant AND w.ended_at IS NULL)`,
    );
    return rows.map((row) => row.tenant);
  });
}
