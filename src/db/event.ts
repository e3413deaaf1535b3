import type { EmittedType } from '../domain/event/model';
import { isoUtc } from './isoUtc';
import { computedId } from './order';
import type { Database, TenantTx } from './transaction';

export interface NewEvent {
  type: EmittedType;
  /** Id of what it is about. One subject is told once of each type: emitting again changes nothing. */
  subject: string;
  /** The body of the event; never personal data. */
  data: object;
  /** Whose it is; without, only endpoints of the whole tenant are told. */
  supplierId?: string;
}

/** Tells the outside, once the caller's transaction commits. Events of orders come from their timeline by themselves. */
export async function emitEvent(tx: TenantTx, event: NewEvent): Promise<void> {
  await tx.query(
    `INSERT INTO event (tenant, event_id, type, subject, supplier_id, data) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING`,
    [
      tx.tenant,
      computedId('e', [tx.tenant, event.type, event.subject], 32),
      event.type,
      event.subject,
      event.supplierId ?? null,
      JSON.stringify(event.data),
    ],
  );
}

/** Tenants with events that have no place in the feed yet. Role xianda_dispatch. */
export async function findTenantsWithNews(db: Database): Promise<string[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string }>(
      `SELECT t.tenant FROM tenant t CROSS JOIN LATERAL (
         SELECT FROM event e WHERE e.tenant = t.tenant AND e.position IS NULL LIMIT 1) news`,
    );
    return rows.map((row) => row.tenant);
  });
}

/**
 * One writer of the feed at a time per tenant, until the transaction ends. Answers the last position given: whoever
 * changes what an endpoint wants holds this too, so that each event is wanted or not, never in between.
 */
export async function lockFeed(tx: TenantTx): Promise<number> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`xianda feed ${tx.tenant}`]);
  const { rows } = await tx.query<{ position: number }>(
    'SELECT coalesce(max(position), 0)::bigint AS position FROM event WHERE tenant = $1 AND position IS NOT NULL',
    [tx.tenant],
  );
  return rows[0]?.position ?? 0;
}

/**
 * Gives the tenant's unpublished events, at most `limit`, their places in the feed, in the order they were written,
 * and makes a delivery for every endpoint that wants them. What commits late gets a later place: a reader who has
 * read up to a position never misses one below. Has the endpoints' workflows woken, in the same transaction (I16).
 */
export async function publishEvents(
  db: Database,
  { tenant, limit }: { tenant: string; limit: number },
): Promise<number> {
  return db.inTenant(tenant, async (tx) => {
    const last = await lockFeed(tx);
    const eventIds = await findUnpublished(tx, limit);
    if (eventIds.length === 0) return 0;
    // plans are kept from when the tables were small, and would then read them whole ten times a second as they grow
    await tx.query('SET LOCAL enable_seqscan = off');
    await tx.query(place, [tenant, last, eventIds]);
    await fanOut(tx, eventIds);
    return eventIds.length;
  });
}

/** Oldest first; from here on events are found by their ids. */
async function findUnpublished(tx: TenantTx, limit: number): Promise<string[]> {
  const { rows } = await tx.query<{ eventId: string }>(
    `SELECT event_id AS "eventId" FROM event WHERE tenant = $1 AND position IS NULL ORDER BY ordinal LIMIT $2`,
    [tx.tenant, limit],
  );
  return rows.map((row) => row.eventId);
}

async function fanOut(tx: TenantTx, eventIds: string[]): Promise<void> {
  await tx.query(
    `WITH told AS (
       INSERT INTO webhook_delivery (tenant, endpoint_id, event_id, position, state, next_attempt_at)
       SELECT e.tenant, w.endpoint_id, e.event_id, e.position, 'pending', clock_timestamp()
         FROM event e JOIN webhook_endpoint w ON w.tenant = e.tenant AND w.removed_at IS NULL AND wants_event(w, e)
        WHERE e.tenant = $1 AND e.event_id = ANY($2::text[])
       RETURNING endpoint_id)
     INSERT INTO outbox (tenant, kind, subject)
     SELECT DISTINCT $1, 'wakeWebhook', t.endpoint_id
       FROM told t JOIN webhook_endpoint w ON w.tenant = $1 AND w.endpoint_id = t.endpoint_id
      WHERE w.disabled_at IS NULL`,
    [tx.tenant, eventIds],
  );
}

/** What every event of an order says about it, as it stands when the event is published. */
const orderFacts = `jsonb_build_object('orderId', o.order_id, 'channel', o.channel, 'externalId', o.external_id,
  'state', o.state, 'totalFen', o.total_fen, 'paidFen', o.paid_fen, 'refundedFen', o.refunded_fen,
  'expiresAt', ${isoUtc('o.expires_at')}, 'liveSessionId', o.live_session_id,
  'promise', jsonb_build_object('shipBy', ${isoUtc('o.ship_by')}, 'deliverBy', ${isoUtc('o.deliver_by')}))`;

const parcels = `(SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('parcelId', p.parcel_id,
    'waybillNo', p.waybill_no, 'weightGrams', p.weight_grams,
    'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object('lineId', x.line_id, 'sku', x.sku, 'quantity', x.quantity)
                                        ORDER BY x.line_id, x.sku), '[]')
                FROM (SELECT h.line_id, h.sku, sum(l.quantity)::bigint AS quantity
                        FROM parcel_lot l JOIN hold h ON h.tenant = l.tenant AND h.hold_id = l.hold_id
                       WHERE l.tenant = p.tenant AND l.parcel_id = p.parcel_id GROUP BY h.line_id, h.sku) x)))
    ORDER BY p.parcel_id), '[]')
  FROM parcel p WHERE p.tenant = s.tenant AND p.shipment_id = s.shipment_id)`;

const shipment = `(SELECT jsonb_build_object('shipment', jsonb_build_object('shipmentId', s.shipment_id, 'zone', s.zone,
    'siteId', s.site_id, 'via', CASE WHEN s.carrier_id IS NOT NULL THEN jsonb_build_object('carrierId', s.carrier_id)
      ELSE jsonb_build_object('leaderId', s.leader_id, 'pickupPointId', s.pickup_point_id) END, 'parcels', ${parcels}))
  FROM shipment s WHERE s.tenant = v.tenant AND s.shipment_id = v.data ->> 'shipmentId')`;

const refund = `(SELECT jsonb_build_object('refund', jsonb_build_object('refundId', r.refund_id, 'amountFen', r.amount_fen,
    'transactionId', r.transaction_id, 'heldBy', p.held_by, 'state', r.state))
  FROM refund r JOIN payment p USING (tenant, provider, transaction_id)
 WHERE r.tenant = v.tenant AND r.refund_id = v.data ->> 'refundId')`;

/** What is offered for a line that came up short: made together, and so until the same instant. */
const offers = `(SELECT jsonb_build_object('offers', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'offerId', f.offer_id, 'lineId', f.line_id, 'kind', f.kind, 'deliverOn', f.deliver_on, 'amountFen', f.amount_fen,
    'until', ${isoUtc('f.until')})) ORDER BY f.kind), '[]'))
  FROM offer f WHERE f.tenant = v.tenant AND f.order_id = v.subject AND f.line_id = v.data ->> 'lineId'
   AND ${isoUtc('f.until')} = v.data ->> 'until')`;

/** The line that an event is about, and what it tells of it. */
const lineWith = (told: string) => `(SELECT jsonb_build_object('line', jsonb_strip_nulls(jsonb_build_object(
    'lineId', l.line_id, 'sku', l.sku, 'quantity', l.quantity) || ${told}))
  FROM order_line l WHERE l.tenant = v.tenant AND l.order_id = v.subject AND l.line_id = v.data ->> 'lineId')`;

/** What goes back for a line alone; when the order ends with it, all of its money is asked back instead. */
const lineRefund = `(SELECT sum(r.amount_fen) FROM offer f JOIN refund r ON r.tenant = f.tenant AND r.order_id = f.order_id
    AND r.reason = 'offer:' || f.offer_id
  WHERE f.tenant = l.tenant AND f.order_id = l.order_id AND f.line_id = l.line_id AND f.kind = 'refund')`;

const wait = `(SELECT jsonb_build_object('waiting', jsonb_build_object('until', ${isoUtc('w.until')}))
  FROM waiting_order w WHERE w.tenant = v.tenant AND w.order_id = v.subject)`;

/** Of a timeline line's detail these go out by name: who did something inside the house, and why, stays inside. */
const special = `CASE v.type
  WHEN 'order.waiting' THEN ${wait}
  WHEN 'order.cancelled' THEN CASE WHEN v.data ->> 'by' LIKE 'system:%'
    THEN jsonb_strip_nulls(jsonb_build_object('because', v.data -> 'reason', 'replacedBy', v.data -> 'replacedBy')) END
  WHEN 'order.shipped' THEN ${shipment}
  WHEN 'order.refundRequested' THEN ${refund}
  WHEN 'order.refunded' THEN ${refund}
  WHEN 'order.attention' THEN jsonb_build_object('attention', jsonb_build_object('reason', v.data ->> 'reason'))
  WHEN 'order.partlyCancelled' THEN jsonb_build_object('cancelledShipments', coalesce(v.data -> 'shipments', '[]'))
  WHEN 'order.offer' THEN ${offers}
  WHEN 'order.offerAnswered' THEN ${lineWith(`jsonb_build_object('offer', v.data -> 'offer', 'accept', v.data -> 'accept')`)}
  WHEN 'order.repromised' THEN ${lineWith(`jsonb_build_object('deliverBy', v.data -> 'deliverBy')`)}
  WHEN 'order.lineCancelled' THEN ${lineWith(`jsonb_build_object('refundFen', ${lineRefund})`)}
  WHEN 'order.goodsArrived' THEN ${lineWith(`jsonb_build_object('campaignId', v.data -> 'campaignId')`)}
  END`;

const place = `
  UPDATE event e SET position = $2::bigint + n.rank, published_at = clock_timestamp(), channel = n.channel, data = n.data
    FROM (SELECT v.event_id, v.rank, coalesce(o.channel, v.channel) AS channel,
                 CASE WHEN o.order_id IS NULL THEN v.data
                      ELSE jsonb_strip_nulls(${orderFacts}) || coalesce(${special}, '{}') END AS data
            FROM (SELECT u.*, chosen.rank
                    FROM unnest($3::text[]) WITH ORDINALITY AS chosen(event_id, rank)
                    JOIN event u ON u.tenant = $1 AND u.event_id = chosen.event_id) v
            LEFT JOIN orders o ON v.type LIKE 'order.%' AND o.tenant = v.tenant AND o.order_id = v.subject) n
   WHERE e.tenant = $1 AND e.event_id = n.event_id`;
