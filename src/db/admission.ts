import { localDateOf } from '../domain/network/calendar';
import type { Instant, LocalDate } from '../domain/network/model';
import type { Admitted } from '../domain/order/admission';
import {
  type Holder,
  holderKey,
  type LedgerState,
  type Purchase,
  purchaseKey,
} from '../domain/order/admissionLedger';
import type { Destination, PlannedLine } from '../domain/order/model';
import type { Campaign } from '../domain/presale/model';
import { type Moment, readCampaigns, readLockedLots, readLots, readMoment } from './admission.read';
import { instantColumn, numberColumn, textColumn } from './columns';
import { expireDueHolds } from './expiry';
import type { Facts } from './facts';
import { insertPools, type JournalEntry, tryLockPools, writeMovements } from './inventory';
import { lockPointLoads, takeCapacity, type TakenCapacity } from './pointLoad';
import { wakeReserved } from './presaleReserve';
import { readBought } from './purchaseLimit.read';
import { RunAgain, type TenantTx } from './transaction';
import { readUnpaidUnits } from './unpaid.read';

/** One order that asks: what for, where to and for whom. */
export interface AdmissionSubject {
  lines: PlannedLine[];
  destination: Destination;
  purchase: Purchase;
  /** The day the purchase limit counts in; today when not given. */
  placedOn?: LocalDate;
  /** An order that is asked for again does not count against its own limit. */
  exceptOrderId?: string;
  /** Who would hold it unpaid; absent where no limit applies to that. */
  holder?: Holder;
}

export interface LockedBatch {
  subjects: readonly AdmissionSubject[];
  facts: Facts;
  /** Pools beside those of the subjects: of orders that may give way. */
  alsoLock?: readonly string[];
}

interface LookedAt {
  subjects: readonly AdmissionSubject[];
  facts: Facts;
  clock: Pick<LedgerState, 'now' | 'timeZone'>;
}

/** No hold is past its end then: the quotas as they stand. */
const never: Instant = 0;

/**
 * Takes the locks of a batch of admissions in the house's order (pools, quotas, litres of points) and reads the state
 * that its planner decides on, in one journey to the database. Past-due holds of the locked SKUs are expired here, so
 * that their units can be sold again. Database time is read once, after the locks: it, and not the caller's clock,
 * decides what is due. Throws `RunAgain` when the facts are no longer those of the catalogue and the network.
 */
export async function lockAdmissions(
  tx: TenantTx,
  { subjects, facts, alsoLock = [] }: LockedBatch,
): Promise<LedgerState> {
  const wanted = wantedBy(subjects, facts, alsoLock);
  const locked = { skus: wanted.skus, campaignIds: wanted.campaignIds };
  // sent together and answered together: the locks are held for as few journeys as can be
  const [pools, , pointLoads, moment, lots, campaigns] = await Promise.all([
    tryLockPools(tx, wanted.skus),
    lockQuotas(tx, wanted.campaignIds),
    lockPointLoads(tx, wanted.pointIds),
    readMoment(tx, locked),
    readLockedLots(tx, wanted.goods),
    readCampaignsById(tx, wanted.campaignIds, never),
  ]);
  if (pools.length < wanted.skus.length) {
    await insertPools(tx, wanted.skus);
    return lockAdmissions(tx, { subjects, facts, alsoLock });
  }
  if (moment.factsVersion !== facts.version) throw new RunAgain('catalogue or network changed');
  if (moment.due) await expireDueHolds(tx, { ...locked, now: moment.now });
  return {
    now: moment.now,
    timeZone: moment.timeZone,
    ...standing(facts),
    pointLoads,
    lots: moment.due ? await readLockedLots(tx, wanted.goods) : lots,
    campaigns: moment.due ? await readCampaignsById(tx, wanted.campaignIds, never) : campaigns,
    bought: await readBoughtWhereLimited(tx, subjects, { facts, moment }),
    waiting: new Map(pools.flatMap(({ sku, waiting }) => (waiting > 0 ? [[sku, waiting]] : []))),
    unpaid: await readUnpaidWhereLimited(tx, subjects, { facts, moment }),
  };
}

/**
 * The same state without any lock, as it stands at one instant of the database: good for telling that something
 * cannot be had, never for promising it. Purchase limits and litres are not looked at. The clock was read before it in
 * the same transaction: a hold that has ended since then still counts, as it did when the clock was read.
 */
export async function readAdmissions(
  tx: TenantTx,
  { subjects, facts, clock: { now, timeZone } }: LookedAt,
): Promise<LedgerState> {
  const { goods, campaignIds } = wantedBy(subjects, facts);
  const [lots, campaigns] = await Promise.all([
    readLots(tx, goods, now),
    readCampaignsById(tx, campaignIds, now),
  ]);
  return {
    now,
    timeZone,
    ...standing(facts),
    pointLoads: new Map(),
    lots,
    campaigns,
    bought: new Map(),
    // who waits is asked under the locks alone: a look at another instant could refuse what was to be had
    waiting: new Map(),
    unpaid: new Map(),
  };
}

/** What of the state is catalogue and network. */
function standing({ skus, sites, carriers, points }: Facts) {
  return { skus, sites, carriers, pickupPoints: points };
}

/** What the orders of a batch need locked and read. */
export interface Wanted {
  /** To be locked: what is sold, and the components of bundles. */
  skus: string[];
  /** Of which there are lots. */
  goods: string[];
  campaignIds: string[];
  pointIds: string[];
}

/** What a batch of admissions will ask of the stock. */
export function wantedBy(
  subjects: readonly AdmissionSubject[],
  facts: Facts,
  alsoLock: readonly string[] = [],
): Wanted {
  const skus = new Set<string>(alsoLock);
  const goods = new Set<string>();
  const campaignIds = new Set<string>();
  const pointIds = new Set<string>();
  for (const { lines, destination } of subjects) {
    for (const line of lines) {
      skus.add(line.sku);
      for (const part of line.components) {
        skus.add(part.sku);
        goods.add(part.sku);
      }
      // as it is now too: its recipe may have changed since it was sold
      for (const part of facts.skus.get(line.sku)?.components ?? []) skus.add(part.sku);
      if (line.campaignId !== null) campaignIds.add(line.campaignId);
    }
    if (destination.deliveryMethod === 'pickup' && destination.pickupPointId !== null)
      pointIds.add(destination.pickupPointId);
  }
  return { skus: [...skus], goods: [...goods], campaignIds: [...campaignIds], pointIds: [...pointIds] };
}

async function readCampaignsById(
  tx: TenantTx,
  campaignIds: string[],
  now: Instant,
): Promise<Map<string, Campaign>> {
  if (campaignIds.length === 0) return new Map();
  const campaigns = await readCampaigns(tx, { ids: campaignIds, skus: [] }, now);
  return new Map(campaigns.map((campaign) => [campaign.campaignId, campaign]));
}

/** Most SKUs have no limit; then the buyers' orders need not be read at all. */
async function readBoughtWhereLimited(
  tx: TenantTx,
  subjects: readonly AdmissionSubject[],
  { facts, moment }: { facts: Facts; moment: Moment },
): Promise<Map<string, number>> {
  const isLimited = (sku: string) => (facts.skus.get(sku)?.purchaseLimitUnits ?? null) !== null;
  const limited = subjects.filter(({ lines }) => lines.some((line) => isLimited(line.sku)));
  if (limited.length === 0) return new Map();
  const today = localDateOf(moment.now, moment.timeZone);
  const bought = await readBought(
    tx,
    limited.map(({ purchase, placedOn, exceptOrderId }) => ({
      ...purchase,
      placedOn: placedOn ?? today,
      exceptOrderId,
    })),
    [...new Set(limited.flatMap(({ lines }) => lines.map((line) => line.sku).filter(isLimited)))],
  );
  return new Map(
    bought.map(({ position, sku, units }) => [
      purchaseKey((limited[position] as AdmissionSubject).purchase, sku),
      units,
    ]),
  );
}

/** Most SKUs have no such limit either. */
async function readUnpaidWhereLimited(
  tx: TenantTx,
  subjects: readonly AdmissionSubject[],
  { facts, moment }: { facts: Facts; moment: Moment },
): Promise<Map<string, number>> {
  const skus = new Set<string>();
  const holders: Holder[] = [];
  for (const { lines, holder } of subjects) {
    const limited = lines.filter(({ sku }) => facts.skus.get(sku)?.unpaidLimit !== undefined);
    if (!holder || limited.length === 0) continue;
    holders.push(holder);
    for (const { sku } of limited) skus.add(sku);
  }
  if (holders.length === 0) return new Map();
  const unpaid = await readUnpaidUnits(tx, { holders, skus: [...skus], now: moment.now });
  return new Map(unpaid.map(({ sku, units, ...holder }) => [holderKey(holder, sku), units]));
}

async function lockQuotas(tx: TenantTx, campaignIds: string[]): Promise<void> {
  if (campaignIds.length === 0) return;
  await tx.query(
    `SELECT 1 FROM presale_quota WHERE tenant = $1 AND campaign_id = ANY($2::text[])
      ORDER BY campaign_id COLLATE "C", region COLLATE "C" FOR UPDATE`,
    [tx.tenant, campaignIds],
  );
}

export interface AdmissionWrite {
  orderId: string;
  run: number;
  admitted: Admitted;
  /** When the holds end if unpaid; null commits them in the same step (the order is paid). */
  expiresAt: Date | null;
  /** Litres belong to the order's pickup point. */
  pickupPointId: string | null;
  actor: string;
}

/**
 * Writes what the planner admitted: holds, quota, litres and the journal, with one statement a table. The orders and
 * their lines are there already.
 */
export async function writeAdmissions(tx: TenantTx, writes: readonly AdmissionWrite[]): Promise<void> {
  const paidCampaigns = writes.flatMap(({ expiresAt, admitted }) =>
    expiresAt === null ? admitted.quotaHolds.map((hold) => hold.campaignId) : [],
  );
  await Promise.all([
    insertHolds(tx, writes),
    insertQuotaHolds(tx, writes),
    takeQuota(tx, writes),
    takeCapacity(tx, writes.flatMap(capacityOf)),
    writeMovements(tx, { actor: 'system:intake', movements: writes.flatMap(movementsOf) }),
  ]);
  await wakeReserved(tx, paidCampaigns);
}

function capacityOf({ orderId, pickupPointId, admitted }: AdmissionWrite): TakenCapacity[] {
  if (pickupPointId === null) return [];
  return admitted.capacity.map((part) => ({ ...part, orderId, pickupPointId }));
}

function movementsOf({ orderId, admitted, expiresAt, actor }: AdmissionWrite): JournalEntry[] {
  return admitted.holds.flatMap(({ sku, siteId, lotId, quantity }) => {
    const held: JournalEntry = {
      kind: 'held',
      sku,
      siteId,
      lotId,
      quantity,
      causeKind: 'order',
      causeId: orderId,
      actor,
    };
    return expiresAt === null ? [held, { ...held, kind: 'committed' }] : [held];
  });
}

async function insertHolds(tx: TenantTx, writes: readonly AdmissionWrite[]): Promise<void> {
  const rows = writes.flatMap(({ orderId, run, expiresAt, admitted }) =>
    admitted.holds.map((hold, index) => ({
      ...hold,
      orderId,
      expiresAt,
      holdId: `${orderId}:${run}:${index + 1}`,
    })),
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO hold (tenant, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, remaining, state,
                       hand_over_on, expires_at, ended_at)
     SELECT $1, hold_id, order_id, line_id, sku, site_id, lot_id, quantity, quantity,
            CASE WHEN expires_at IS NULL THEN 'committed' ELSE 'held' END, hand_over_on, expires_at,
            CASE WHEN expires_at IS NULL THEN clock_timestamp() END
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::date[],
                   $10::timestamptz[])
            AS h(hold_id, order_id, line_id, sku, site_id, lot_id, quantity, hand_over_on, expires_at)`,
    [
      tx.tenant,
      textColumn(rows, (row) => row.holdId),
      textColumn(rows, (row) => row.orderId),
      textColumn(rows, (row) => row.lineId),
      textColumn(rows, (row) => row.sku),
      textColumn(rows, (row) => row.siteId),
      textColumn(rows, (row) => row.lotId),
      numberColumn(rows, (row) => row.quantity),
      textColumn(rows, (row) => row.handOverOn),
      instantColumn(rows, (row) => row.expiresAt),
    ],
  );
}

async function insertQuotaHolds(tx: TenantTx, writes: readonly AdmissionWrite[]): Promise<void> {
  const rows = writes.flatMap(({ orderId, run, expiresAt, admitted }) =>
    admitted.quotaHolds.map((hold) => ({ ...hold, orderId, run, expiresAt })),
  );
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO quota_hold (tenant, order_id, run, line_id, campaign_id, region, quantity, state, expires_at, ended_at,
                             promised_on)
     SELECT $1, h.order_id, h.run, h.line_id, h.campaign_id, h.region, h.quantity,
            CASE WHEN h.expires_at IS NULL THEN 'committed' ELSE 'held' END, h.expires_at,
            CASE WHEN h.expires_at IS NULL THEN clock_timestamp() END, c.deliver_by
       FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::timestamptz[])
            AS h(order_id, run, line_id, campaign_id, region, quantity, expires_at)
       JOIN presale_campaign c ON c.tenant = $1 AND c.campaign_id = h.campaign_id`,
    [
      tx.tenant,
      rows.map((row) => row.orderId),
      rows.map((row) => row.run),
      rows.map((row) => row.lineId),
      rows.map((row) => row.campaignId),
      rows.map((row) => row.region),
      rows.map((row) => row.quantity),
      rows.map((row) => row.expiresAt),
    ],
  );
}

async function takeQuota(tx: TenantTx, writes: readonly AdmissionWrite[]): Promise<void> {
  const rows = writes.flatMap(({ expiresAt, admitted }) =>
    admitted.quotaHolds.map((hold) => ({ ...hold, paid: expiresAt === null })),
  );
  if (rows.length === 0) return;
  await tx.query(
    `UPDATE presale_quota q SET held = q.held + h.held, sold = q.sold + h.sold
       FROM (SELECT campaign_id, region, coalesce(sum(quantity) FILTER (WHERE NOT paid), 0)::bigint AS held,
                    coalesce(sum(quantity) FILTER (WHERE paid), 0)::bigint AS sold
               FROM unnest($2::text[], $3::text[], $4::bigint[], $5::boolean[]) AS u(campaign_id, region, quantity, paid)
              GROUP BY campaign_id, region) h
      WHERE q.tenant = $1 AND q.campaign_id = h.campaign_id AND q.region = h.region`,
    [
      tx.tenant,
      rows.map((row) => row.campaignId),
      rows.map((row) => row.region),
      rows.map((row) => row.quantity),
      rows.map((row) => row.paid),
    ],
  );
}
