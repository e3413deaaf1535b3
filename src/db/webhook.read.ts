import { isoUtc } from './isoUtc';
import type { NamedSource } from './named.read';
import { type Page, type Slice, sliceOf } from './page';
import type { TenantTx } from './transaction';

/** An endpoint as it is shown; its URL may carry a token of the receiver's, which its owner knows anyway. */
export const endpointSource: NamedSource = {
  table: '(SELECT * FROM webhook_endpoint WHERE removed_at IS NULL)',
  id: 'endpoint_id',
  json: `json_build_object('endpointId', t.endpoint_id, 'url', t.url, 'types', t.types, 'channel', t.channel,
    'supplierId', t.supplier_id,
    'liveSecrets', (SELECT count(*) FROM webhook_secret s
                     WHERE s.tenant = t.tenant AND s.endpoint_id = t.endpoint_id AND s.retired_at IS NULL),
    'pending', (SELECT count(*) FROM webhook_delivery d
                 WHERE d.tenant = t.tenant AND d.endpoint_id = t.endpoint_id AND d.state = 'pending'),
    'failingSince', ${isoUtc('t.failing_since')},
    'disabled', CASE WHEN t.disabled_at IS NOT NULL
                     THEN json_build_object('at', ${isoUtc('t.disabled_at')}, 'because', t.disabled_because) END)`,
};

export interface EndpointOwner {
  channel: string | null;
  supplierId: string | null;
}

/** Whose endpoint it is; null when there is none. Removed ones are found too: their log stays. */
export async function findEndpointOwner(
  tx: TenantTx,
  endpointId: string,
): Promise<(EndpointOwner & { removed: boolean }) | null> {
  const { rows } = await tx.query<EndpointOwner & { removed: boolean }>(
    `SELECT channel, supplier_id AS "supplierId", removed_at IS NOT NULL AS removed
       FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2`,
    [tx.tenant, endpointId],
  );
  return rows[0] ?? null;
}

export interface EndpointFilter extends EndpointOwner {
  /** Endpoints that belong to a channel alone: what a channel's key sees. */
  channels: boolean;
}

/** Endpoints by id: all of the tenant, of one supplier, of channels or of one of them. */
export async function listEndpoints(
  tx: TenantTx,
  { channels, channel, supplierId }: EndpointFilter,
  page: Page<string>,
): Promise<Slice<object, string>> {
  const { table, id, json } = endpointSource;
  const { rows } = await tx.query<{ id: string; body: object }>(
    `SELECT t.${id} AS id, json_strip_nulls(${json}) AS body FROM ${table} t
      WHERE t.tenant = $1 AND ($2::text IS NULL OR t.${id} COLLATE "C" > $2) AND (NOT $3 OR t.channel IS NOT NULL)
        AND ($4::text IS NULL OR t.channel = $4) AND ($5::text IS NULL OR t.supplier_id = $5)
      ORDER BY t.${id} COLLATE "C" LIMIT $6 + 1`,
    [tx.tenant, page.after, channels, channel, supplierId, page.limit],
  );
  return sliceOf(rows, page.limit, { item: (row) => row.body, position: (row) => row.id });
}

export interface DeliveryFilter {
  endpointId: string;
  state?: 'pending' | 'delivered' | 'failed';
}

/** The delivery log of an endpoint, newest event first, each with all its attempts. */
export async function listDeliveries(
  tx: TenantTx,
  { endpointId, state }: DeliveryFilter,
  page: Page<number>,
): Promise<Slice<object, number>> {
  const { rows } = await tx.query<{ position: number; body: object }>(
    `SELECT d.position, json_strip_nulls(json_build_object('deliveryId', d.event_id, 'type', e.type, 'subject', e.subject,
              'at', ${isoUtc('e.at')}, 'state', d.state, 'nextAttemptAt', ${isoUtc('d.next_attempt_at')},
              'attempts', (SELECT coalesce(json_agg(json_build_object('number', a.number, 'at', ${isoUtc('a.at')},
                             'durationMs', a.duration_ms, 'status', a.status, 'problem', a.problem,
                             'nextAttemptAt', ${isoUtc('a.next_attempt_at')}) ORDER BY a.number), '[]')
                             FROM webhook_attempt a WHERE a.tenant = d.tenant AND a.endpoint_id = d.endpoint_id
                              AND a.event_id = d.event_id))) AS body
       FROM webhook_delivery d JOIN event e ON e.tenant = d.tenant AND e.event_id = d.event_id
      WHERE d.tenant = $1 AND d.endpoint_id = $2 AND ($3::text IS NULL OR d.state = $3)
        AND ($4::bigint IS NULL OR d.position < $4)
      ORDER BY d.position DESC LIMIT $5 + 1`,
    [tx.tenant, endpointId, state ?? null, page.after, page.limit],
  );
  return sliceOf(rows, page.limit, { item: (row) => row.body, position: (row) => row.position });
}
