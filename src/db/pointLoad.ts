import type { PointZone } from '../domain/network/model';
import type { TenantTx } from './transaction';

/**
 * Locks the litres counters of pickup points, in their order, and answers the millilitres taken (I15). Missing
 * counters are made first. Whoever changes a point or its leader's certificate waits for these locks.
 */
export async function lockPointLoads(
  tx: TenantTx,
  pickupPointIds: string[],
): Promise<Map<string, Record<PointZone, number>>> {
  const loads = new Map<string, Record<PointZone, number>>();
  if (pickupPointIds.length === 0) return loads;
  const values = [tx.tenant, [...new Set(pickupPointIds)].sort()];
  const [, { rows }] = await Promise.all([
    tx.query(
      `INSERT INTO point_load (tenant, pickup_point_id, zone)
       SELECT $1, p, z FROM unnest($2::text[]) p, unnest(ARRAY['ambient', 'chilled', 'frozen']) z ORDER BY p, z
       ON CONFLICT DO NOTHING`,
      values,
    ),
    tx.query<{ pickup_point_id: string; zone: PointZone; millilitres: number }>(
      `SELECT pickup_point_id, zone, millilitres FROM point_load WHERE tenant = $1 AND pickup_point_id = ANY($2::text[])
        ORDER BY pickup_point_id COLLATE "C", zone COLLATE "C" FOR UPDATE`,
      values,
    ),
  ]);
  for (const { pickup_point_id: id, zone, millilitres } of rows) {
    const load = loads.get(id) ?? { ambient: 0, chilled: 0, frozen: 0 };
    load[zone] = millilitres;
    loads.set(id, load);
  }
  return loads;
}

export interface TakenCapacity {
  orderId: string;
  pickupPointId: string;
  zone: PointZone;
  millilitres: number;
}

/** Takes litres of pickup points for orders, whose counters the caller has locked (I15). */
export async function takeCapacity(tx: TenantTx, taken: TakenCapacity[]): Promise<void> {
  if (taken.length === 0) return;
  const values = [
    tx.tenant,
    taken.map((part) => part.orderId),
    taken.map((part) => part.pickupPointId),
    taken.map((part) => part.zone),
    taken.map((part) => part.millilitres),
  ];
  const parts =
    'unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS c(order_id, point, zone, millilitres)';
  await tx.query(
    `UPDATE point_load p SET millilitres = p.millilitres + t.millilitres
       FROM (SELECT point, zone, sum(millilitres)::bigint AS millilitres FROM ${parts} GROUP BY point, zone) t
      WHERE p.tenant = $1 AND p.pickup_point_id = t.point AND p.zone = t.zone`,
    values,
  );
  // a re-held order takes its litres again; goods that come later to an order add to what it has there
  await tx.query(
    `INSERT INTO capacity_hold (tenant, order_id, zone, pickup_point_id, millilitres)
     SELECT $1, order_id, zone, min(point), sum(millilitres) FROM ${parts} GROUP BY order_id, zone
     ON CONFLICT (tenant, order_id, zone) DO UPDATE
       SET millilitres = excluded.millilitres
             + CASE WHEN capacity_hold.released_at IS NULL THEN capacity_hold.millilitres ELSE 0 END,
           released_at = NULL, pickup_point_id = excluded.pickup_point_id`,
    values,
  );
}
