import type { LocalDate } from '../domain/network/model';
import type { TenantTx } from './transaction';

/** Whose limits are asked about: a buyer within one live session, else within one calendar day. */
export interface PurchaseScope {
  buyerRef: string;
  liveSessionId: string | null;
  placedOn: LocalDate;
  /** An order that is asked for again does not count against its own limit. */
  exceptOrderId?: string;
}

/**
 * Units that buyers have in open and paid orders of SKUs with a limit, by the position of their scope and SKU. Read
 * under the SKUs' pool locks, so that two orders of one buyer cannot both pass.
 */
export async function readBought(
  tx: TenantTx,
  scopes: PurchaseScope[],
  skus: string[],
): Promise<{ position: number; sku: string; units: number }[]> {
  const { rows } = await tx.query<{ position: number; sku: string; units: number }>(
    `SELECT (s.position - 1)::integer AS position, l.sku, sum(l.quantity)::bigint AS units
       FROM unnest($2::text[], $3::text[], $4::date[], $5::text[])
            WITH ORDINALITY AS s(buyer_ref, live_session_id, placed_on, except_order_id, position)
       JOIN orders o ON o.tenant = $1 AND o.buyer_ref = s.buyer_ref
       JOIN order_line l ON l.tenant = o.tenant AND l.order_id = o.order_id
      WHERE l.sku = ANY($6::text[])
        AND o.state NOT IN ('expired', 'cancelled') AND o.order_id IS DISTINCT FROM s.except_order_id
        AND (o.state <> 'awaitingPayment' OR o.expires_at > clock_timestamp())
        AND CASE WHEN s.live_session_id IS NULL THEN o.live_session_id IS NULL AND o.placed_on = s.placed_on
                 ELSE o.live_session_id = s.live_session_id END
      GROUP BY s.position, l.sku`,
    [
      tx.tenant,
      scopes.map((scope) => scope.buyerRef),
      scopes.map((scope) => scope.liveSessionId),
      scopes.map((scope) => scope.placedOn),
      scopes.map((scope) => scope.exceptOrderId ?? null),
      skus,
    ],
  );
  return rows;
}
