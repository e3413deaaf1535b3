import { raiseAttention } from './attention';
import { unconverted } from './holds';
import type { Database } from './transaction';

export interface PromiseReview {
  tenant: string;
  orderId: string;
  /** After a shipment's promise before it is called overdue. */
  graceSeconds: number;
  /** Until what is overdue is looked at again. */
  reviewSeconds: number;
}

export interface Overdue {
  lookAgainAt: Date;
  /** Of the parcels, else of the presale goods; null when every promise lies ahead. */
  reason: 'overdue' | 'presaleOverdue' | null;
}

/**
 * Parks what the order's buyer was promised and has not got: each open shipment past its `deliverBy` and the
 * grace, and presale lines past their promised day without goods. Answers when the next promise falls due (where all
 * have, `reviewSeconds` from now), and what is parked for it. What is parked already stays as it is. Database time
 * decides.
 */
export async function raiseOverdue(db: Database, review: PromiseReview): Promise<Overdue> {
  const { tenant, orderId, graceSeconds, reviewSeconds } = review;
  return db.inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<{ shipmentId: string | null; dueAt: Date; due: boolean; now: Date }>(
      `SELECT "shipmentId", "dueAt", "dueAt" <= now AS due, now
         FROM (SELECT shipment_id AS "shipmentId", deliver_by + make_interval(secs => $3) AS "dueAt"
                 FROM shipment
                WHERE tenant = $1 AND order_id = $2 AND state NOT IN ('delivered', 'returned', 'cancelled')
               UNION ALL
               SELECT DISTINCT NULL, (q.promised_on + 1)::timestamp AT TIME ZONE t.time_zone
                 FROM quota_hold q JOIN tenant t ON t.tenant = q.tenant
                WHERE q.tenant = $1 AND q.order_id = $2 AND ${unconverted}) promise,
              clock_timestamp() now`,
      [tenant, orderId, graceSeconds],
    );
    for (const { shipmentId } of rows.filter((row) => row.due)) {
      await raiseAttention(
        tx,
        shipmentId === null
          ? { reason: 'presaleOverdue', subject: orderId, orderId }
          : { reason: 'overdue', subject: shipmentId, orderId, shipmentId },
      );
    }
    const ahead = rows.filter((row) => !row.due).map((row) => row.dueAt.getTime());
    const now = rows[0]?.now.getTime() ?? Date.now();
    const due = rows.filter((row) => row.due);
    return {
      lookAgainAt: new Date(Math.min(now + reviewSeconds * 1000, ...ahead)),
      reason:
        due.length === 0 ? null : due.some((row) => row.shipmentId !== null) ? 'overdue' : 'presaleOverdue',
    };
  });
}
