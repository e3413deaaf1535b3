import type { Movement } from '../domain/inventory/model';
import { localDateOf } from '../domain/network/calendar';
import { type Converted, planConversion, type Unserved } from '../domain/presale/convert';
import { chooseLaterDate } from '../domain/presale/offer';
import { takeCapacity } from './pointLoad';
import { raiseAttention } from './attention';
import { lockOrders, unconverted } from './holds';
import { lockPools, writeMovements } from './inventory';
import { insertOffers, withdrawOffers } from './offer';
import { tellResumed } from './outbox';
import {
  lockConversion,
  readLeadDays,
  readWaiting,
  type WaitingOrderLine,
  type WaitingPlace,
} from './presaleConversion.read';
import { type ReserveUnits, takeFromReserve } from './presaleReserve';
import type { Database, TenantTx } from './transaction';

export interface ConversionBatch {
  tenant: string;
  campaignId: string;
  /** Where the last batch ended; null begins with the first promise. */
  after: WaitingPlace | null;
  /** How long the buyer of a line that is not served has to answer. */
  offerAnswerSeconds: number;
  /** Lines a transaction. */
  limit?: number;
}

export interface ConversionResult {
  /** Lines that got their goods, that were offered something else, and that nobody can bring to their buyer. */
  converted: number;
  offered: number;
  parked: number;
  /** Null: nobody waits any further back. */
  next: WaitingPlace | null;
}

const batchLines = 500;
const actor = 'system:arrival';

/**
 * Hands out what has come for a campaign to the next of its waiting lines, in the order of their promises, in one
 * transaction: the goods are committed to their orders, whose workflows hear of it; whoever is not served is offered
 * a later date or the money, at once; goods that nobody can bring to their buyer are shown to people. Asked again it
 * goes on with those that still wait. Locks the pools of the campaign's SKU and of what is reserved, then the orders,
 * then the pickup points' counters.
 */
export async function convertBatch(db: Database, batch: ConversionBatch): Promise<ConversionResult> {
  const { tenant, campaignId, after, offerAnswerSeconds, limit = batchLines } = batch;
  return db.inTenant(tenant, async (tx) => {
    const lockedSkus = await lockCampaignPools(tx, campaignId);
    const waiting = await readWaiting(tx, { campaignId, after, limit });
    const last = waiting.at(-1);
    if (last === undefined) return { converted: 0, offered: 0, parked: 0, next: null };
    await lockOrders(
      tx,
      waiting.map((line) => line.orderId),
    );
    const state = await lockConversion(tx, { campaignId, lockedSkus, lines: waiting });
    const plan = planConversion(waiting, state);
    await writeConverted(tx, { campaignId, converted: plan.converted });
    const today = localDateOf(state.now, state.timeZone);
    const offered = await offerShort(tx, { unserved: plan.unserved, waiting, today, offerAnswerSeconds });
    const parked = await parkUnroutable(tx, { campaignId, unserved: plan.unserved });
    const { promisedOn, paidAtMicros, orderId, position } = last;
    const next = waiting.length < limit ? null : { promisedOn, paidAtMicros, orderId, position };
    return { converted: plan.converted.length, offered, parked, next };
  });
}

/** The first locks of whoever touches a campaign's goods: pools of its own SKU, at which sales and payments meet, and of what it has in reserve. */
export async function lockCampaignPools(tx: TenantTx, campaignId: string): Promise<string[]> {
  const { rows } = await tx.query<{ sku: string }>(
    `SELECT sku FROM presale_campaign WHERE tenant = $1 AND campaign_id = $2
     UNION SELECT sku FROM campaign_reserve WHERE tenant = $1 AND campaign_id = $2 AND units > 0`,
    [tx.tenant, campaignId],
  );
  const skus = rows.map((row) => row.sku);
  await lockPools(tx, skus);
  return skus;
}

async function writeConverted(
  tx: TenantTx,
  { campaignId, converted }: { campaignId: string; converted: Converted[] },
): Promise<void> {
  if (converted.length === 0) return;
  const holds = converted.flatMap(({ line, holds: parts }) =>
    parts.map((part, index) => ({
      ...part,
      orderId: line.orderId,
      holdId: `${line.orderId}:presale:${line.lineId}:${index + 1}`,
    })),
  );
  await insertConvertedHolds(tx, holds);
  const taken = holds.map(
    ({ sku, siteId, lotId, quantity }): ReserveUnits => ({ campaignId, sku, siteId, lotId, units: quantity }),
  );
  await takeFromReserve(tx, taken);
  const movements = holds.map(
    ({ sku, siteId, lotId, quantity, orderId }): Movement => ({
      kind: 'converted',
      sku,
      siteId,
      lotId,
      quantity,
      causeKind: 'order',
      causeId: orderId,
    }),
  );
  await writeMovements(tx, { actor, movements });
  await takeCapacity(
    tx,
    converted.flatMap(({ line, capacity }) =>
      capacity.map((part) => ({
        ...part,
        orderId: line.orderId,
        pickupPointId: line.destination.pickupPointId as string,
      })),
    ),
  );
  await tellArrived(tx, { campaignId, converted });
}

type ConvertedHold = Converted['holds'][number] & { orderId: string; holdId: string };

/** Committed in the step that makes them: the orders are paid. */
async function insertConvertedHolds(tx: TenantTx, holds: ConvertedHold[]): Promise<void> {
  await tx.query(
    `INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state,
                       hand_over_on, ended_at)
     SELECT $1, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, quantity, 'committed', hand_over_on,
            clock_timestamp()
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::date[])
         AS h(hold_id, order_id, line_id, sku, site_id, lot_id, quantity, hand_over_on)`,
    [
      tx.tenant,
      holds.map((hold) => hold.holdId),
      holds.map((hold) => hold.orderId),
      holds.map((hold) => hold.lineId),
      holds.map((hold) => hold.sku),
      holds.map((hold) => hold.siteId),
      holds.map((hold) => hold.lotId),
      holds.map((hold) => hold.quantity),
      holds.map((hold) => hold.handOverOn),
    ],
  );
}

/** Timelines, what people and buyers were asked meanwhile, and the word to the orders' workflows. */
async function tellArrived(
  tx: TenantTx,
  { campaignId, converted }: { campaignId: string; converted: Converted[] },
): Promise<void> {
  const lines = converted.map(({ line }) => line);
  await tx.query(
    `INSERT INTO order_event (tenant, order_id, kind, detail)
     SELECT $1, order_id, 'goodsArrived', jsonb_build_object('campaignId', $2::text, 'lineId', line_id)
       FROM unnest($3::text[], $4::text[]) AS l(order_id, line_id)`,
    [tx.tenant, campaignId, lines.map((line) => line.orderId), lines.map((line) => line.lineId)],
  );
  await withdrawOffers(tx, lines);
  const { rows } = await tx.query<{ orderId: string; run: number }>(
    `WITH cleared AS (
       UPDATE attention a SET resolved_at = clock_timestamp(), resolved_by = 'system', action = 'cleared'
        WHERE a.tenant = $1 AND a.order_id = ANY($2::text[]) AND a.resolved_at IS NULL
          AND ((a.reason = 'noRoute' AND a.subject = ANY($3::text[]))
            OR (a.reason = 'presaleOverdue' AND NOT EXISTS (
                  SELECT 1 FROM quota_hold q WHERE q.tenant = a.tenant AND q.order_id = a.order_id AND ${unconverted}))))
     SELECT order_id AS "orderId", run FROM orders WHERE tenant = $1 AND order_id = ANY($2::text[]) ORDER BY order_id`,
    [tx.tenant, lines.map((line) => line.orderId), lines.map(subjectOf)],
  );
  await tellResumed(tx, rows);
}

function subjectOf({ orderId, lineId }: { orderId: string; lineId: string }): string {
  return `${orderId}/${lineId}`;
}

interface OfferingShort {
  unserved: Unserved[];
  waiting: WaitingOrderLine[];
  today: string;
  offerAnswerSeconds: number;
}

/** Silence would leave the buyer with a promise that is in danger: whoever was passed over is asked at once. */
async function offerShort(
  tx: TenantTx,
  { unserved, waiting, today, offerAnswerSeconds }: OfferingShort,
): Promise<number> {
  const short = unserved.flatMap(({ kind, line }) => (kind === 'short' ? [line] : []));
  const first = short[0];
  if (!first) return 0;
  const lead = await readLeadDays(tx, first.sku);
  const amounts = new Map(waiting.map((line) => [subjectOf(line), line.amountFen]));
  const lines = short.map((line) => ({
    orderId: line.orderId,
    lineId: line.lineId,
    promisedOn: line.promisedOn,
    laterOn: chooseLaterDate({ promisedOn: line.promisedOn, today, ...lead }),
    amountFen: amounts.get(subjectOf(line)) ?? 0,
  }));
  return insertOffers(tx, { lines, answerSeconds: offerAnswerSeconds });
}

async function parkUnroutable(
  tx: TenantTx,
  { campaignId, unserved }: { campaignId: string; unserved: Unserved[] },
): Promise<number> {
  const unroutable = unserved.flatMap((each) => (each.kind === 'noRoute' ? [each] : []));
  for (const { line, zone } of unroutable) {
    const { orderId, lineId } = line;
    await raiseAttention(tx, {
      reason: 'noRoute',
      subject: subjectOf(line),
      orderId,
      detail: { lineId, campaignId, zone },
    });
  }
  return unroutable.length;
}
