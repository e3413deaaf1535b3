import type { Database } from './transaction';

/**
 * The order's shipments that are cancelled here and may stand in a carrier's books: every cancelled one that was
 * to go by carrier, booked or not, because a booking may have been on its way when the order was cancelled.
 * Leaves out those that a person has settled with the carrier.
 */
export async function findBookingsToCancel(
  db: Database,
  order: { tenant: string; orderId: string },
): Promise<{ shipmentId: string; carrierId: string }[]> {
  return db.inTenant(order.tenant, async (tx) => {
    const { rows } = await tx.query<{ shipmentId: string; carrierId: string }>(
      `SELECT shipment_id AS "shipmentId", carrier_id AS "carrierId" FROM shipment s
        WHERE tenant = $1 AND order_id = $2 AND state = 'cancelled' AND carrier_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM attention a
                           WHERE a.tenant = s.tenant AND a.reason = 'unbookingFailed' AND a.subject = s.shipment_id
                             AND a.action = 'settle')
        ORDER BY shipment_id`,
      [order.tenant, order.orderId],
    );
    return rows;
  });
}

/** Where a carrier is to be called. Throws when the tenant has no such carrier. */
export async function findCarrierBaseUrl(
  db: Database,
  carrier: { tenant: string; carrierId: string },
): Promise<string> {
  return db.inTenant(carrier.tenant, async (tx) => {
    const { rows } = await tx.query<{ base_url: string }>(
      'SELECT base_url FROM carrier WHERE tenant = $1 AND carrier_id = $2',
      [carrier.tenant, carrier.carrierId],
    );
    if (!rows[0]) throw new Error(`I11 the carrier ${carrier.carrierId} is not the tenant's`);
    return rows[0].base_url;
  });
}
