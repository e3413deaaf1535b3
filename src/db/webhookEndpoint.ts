import type { AttentionReason } from '../domain/order/attention';
import { clearAttention } from './attention';
import { lockFeed } from './event';
import { insertOutbox } from './outbox';
import type { TenantTx } from './transaction';

/** Raised when nobody listened for five days, or the receiver said 410. */
export const disabledReason: AttentionReason = 'webhookDisabled';

/** Whose events an endpoint is told: a channel's, a supplier's, or with neither the whole tenant's. */
export interface EndpointWish {
  channel?: string;
  supplierId?: string;
  url: string;
  /** Without: every type. */
  types?: string[];
}

/** The endpoint of a supplier is named after it, so that it is found by looking. */
export function supplierEndpointId(supplierId: string): string {
  return `supplier:${supplierId}`;
}

/**
 * Makes or replaces an endpoint. What it wants counts from here on: events published before are not told, and those
 * that are on their way go to the new address. A new address is a new beginning: a disabled endpoint is enabled.
 */
export async function putEndpoint(tx: TenantTx, endpointId: string, wish: EndpointWish): Promise<void> {
  const position = await lockFeed(tx);
  const { rows } = await tx.query<{ url: string; removed: boolean; same: boolean }>(
    `SELECT url, removed_at IS NOT NULL AS removed,
            types IS NOT DISTINCT FROM $3::text[] AND channel IS NOT DISTINCT FROM $4
              AND supplier_id IS NOT DISTINCT FROM $5 AS same
       FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2 FOR NO KEY UPDATE`,
    [tx.tenant, endpointId, wish.types ?? null, wish.channel ?? null, wish.supplierId ?? null],
  );
  const before = rows[0];
  if (before && !before.removed && before.same && before.url === wish.url) return;
  await tx.query(
    `INSERT INTO webhook_endpoint (tenant, endpoint_id, url, types, channel, supplier_id, wants_after)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant, endpoint_id) DO UPDATE SET
       url = excluded.url, types = excluded.types, channel = excluded.channel, supplier_id = excluded.supplier_id,
       removed_at = NULL, wants_after = excluded.wants_after`,
    [
      tx.tenant,
      endpointId,
      wish.url,
      wish.types ?? null,
      wish.channel ?? null,
      wish.supplierId ?? null,
      position,
    ],
  );
  if (before && before.url !== wish.url) await enableEndpoint(tx, endpointId);
}

/** Ends it: nothing more is told, and what was on its way is given up. Its log stays. False: there is none. */
export async function removeEndpoint(tx: TenantTx, endpointId: string): Promise<boolean> {
  await lockFeed(tx);
  const { rowCount } = await tx.query(
    `UPDATE webhook_endpoint SET removed_at = clock_timestamp(), disabled_at = NULL, disabled_because = NULL,
            failures = 0, failing_since = NULL, last_failed_at = NULL
      WHERE tenant = $1 AND endpoint_id = $2 AND removed_at IS NULL`,
    [tx.tenant, endpointId],
  );
  if (rowCount === 0) return false;
  await tx.query(
    `UPDATE webhook_delivery SET state = 'failed', next_attempt_at = NULL, ended_at = clock_timestamp()
      WHERE tenant = $1 AND endpoint_id = $2 AND state = 'pending'`,
    [tx.tenant, endpointId],
  );
  await clearAttention(tx, disabledReason, endpointId);
  return true;
}

/** Begins anew with an endpoint: it counts as well, and what is pending goes out at once. False: there is none. */
export async function enableEndpoint(tx: TenantTx, endpointId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE webhook_endpoint SET disabled_at = NULL, disabled_because = NULL, failures = 0, failing_since = NULL,
            last_failed_at = NULL
      WHERE tenant = $1 AND endpoint_id = $2 AND removed_at IS NULL`,
    [tx.tenant, endpointId],
  );
  if (rowCount === 0) return false;
  await tx.query(
    `UPDATE webhook_delivery SET next_attempt_at = clock_timestamp(), tries = 0
      WHERE tenant = $1 AND endpoint_id = $2 AND state = 'pending'`,
    [tx.tenant, endpointId],
  );
  await clearAttention(tx, disabledReason, endpointId);
  await wakeEndpoint(tx, endpointId);
  return true;
}

/** Has the endpoint's workflow look for what is due, once the caller's transaction commits. */
export async function wakeEndpoint(tx: TenantTx, endpointId: string): Promise<void> {
  await insertOutbox(tx, [{ kind: 'wakeWebhook', subject: endpointId, payload: {} }]);
}

/** Sends an event's delivery once more, ended or not, under the same webhook-id. False: there is no such delivery. */
export async function resendDelivery(
  tx: TenantTx,
  { endpointId, eventId }: { endpointId: string; eventId: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE webhook_delivery d SET state = 'pending', tries = 0, next_attempt_at = clock_timestamp(), ended_at = NULL
       FROM webhook_endpoint w
      WHERE d.tenant = $1 AND d.endpoint_id = $2 AND d.event_id = $3
        AND w.tenant = d.tenant AND w.endpoint_id = d.endpoint_id AND w.removed_at IS NULL`,
    [tx.tenant, endpointId, eventId],
  );
  if (rowCount === 0) return false;
  await wakeEndpoint(tx, endpointId);
  return true;
}
