import { randomUUID } from 'node:crypto';
import type { Movement, MovementKind } from '../domain/inventory/model';
import type { LocalDate } from '../domain/network/model';
import { numberColumn, textColumn } from './columns';
import { addToReserve, type ReserveUnits, readCampaignGoods, wakeConversion } from './presaleReserve';
import { Rollback, type TenantTx } from './transaction';

/**
 * The first lock of every writing transaction: the pool rows of all SKUs it will touch, in SKU order, so that two
 * writers never wait for each other in a circle. Missing rows are made first: one cannot lock what is not there.
 */
export async function lockPools(tx: TenantTx, skus: Iterable<string>): Promise<void> {
  const wanted = [...new Set(skus)];
  if ((await tryLockPools(tx, wanted)).length === wanted.length) return;
  await insertPools(tx, wanted);
  await tryLockPools(tx, wanted);
}

export interface LockedPool {
  sku: string;
  /** Units that orders on the waiting list ask for. */
  waiting: number;
}

/** Locks the pools that are there of the (distinct) SKUs, in SKU order. */
export async function tryLockPools(tx: TenantTx, skus: string[]): Promise<LockedPool[]> {
  if (skus.length === 0) return [];
  const { rows } = await tx.query<LockedPool>(
    `SELECT sku, waiting FROM stock_pool WHERE tenant = $1 AND sku = ANY($2::text[])
      ORDER BY sku COLLATE "C" FOR UPDATE`,
    [tx.tenant, skus],
  );
  return rows;
}

/** Makes the pools that are missing, of SKUs that exist. */
export async function insertPools(tx: TenantTx, skus: string[]): Promise<void> {
  await tx.query(
    `INSERT INTO stock_pool (tenant, sku)
     SELECT $1, s FROM unnest($2::text[]) s JOIN sku k ON k.tenant = $1 AND k.sku = s ORDER BY s COLLATE "C"
     ON CONFLICT DO NOTHING`,
    [tx.tenant, skus],
  );
}

/** What each kind does to (on hand, held, committed, quarantined) for one unit; the table's CHECK holds the same. */
const effects: Record<MovementKind, [number, number, number, number]> = {
  received: [1, 0, 0, 0],
  held: [0, 1, 0, 0],
  released: [0, -1, 0, 0],
  expired: [0, -1, 0, 0],
  committed: [0, -1, 1, 0],
  uncommitted: [0, 0, -1, 0],
  pickedUp: [-1, 0, -1, 0],
  reserved: [0, 1, 0, 0],
  unreserved: [0, -1, 0, 0],
  converted: [0, -1, 1, 0],
};

/** A movement, and who made it where one transaction writes for several. */
export interface JournalEntry extends Movement {
  actor?: string;
}

/**
 * Writes a transaction's movements to the journal, in the order given. The journal's trigger moves the balances,
 * raises the pools' versions and writes the batch row; a balance that would go negative or be oversold fails the
 * statement (I1, I3). The caller holds the pool locks. At most one call a transaction keeps batches large; more
 * are allowed and make more batches.
 */
export async function writeMovements(
  tx: TenantTx,
  { actor, movements }: { actor: string; movements: readonly JournalEntry[] },
): Promise<void> {
  if (movements.length === 0) return;
  const column = (index: 0 | 1 | 2 | 3) =>
    numberColumn(movements, (m) => effects[m.kind][index] * m.quantity);
  await tx.query(
    `INSERT INTO stock_movement (tenant, batch_id, position, kind, sku, site_id, lot_id,
                                 on_hand, held, committed, quarantined, cause_kind, cause_id, actor)
     SELECT $1, $2, position, kind, sku, site_id, lot_id, on_hand, held, committed, quarantined, cause_kind, cause_id, actor
       FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
                   $10::bigint[], $11::text[], $12::text[], $13::text[])
            WITH ORDINALITY AS m(kind, sku, site_id, lot_id, on_hand, held, committed, quarantined, cause_kind, cause_id,
                                 actor, position)`,
    [
      tx.tenant,
      randomUUID(),
      textColumn(movements, (m) => m.kind),
      textColumn(movements, (m) => m.sku),
      textColumn(movements, (m) => m.siteId),
      textColumn(movements, (m) => m.lotId),
      column(0),
      column(1),
      column(2),
      column(3),
      textColumn(movements, (m) => m.causeKind),
      textColumn(movements, (m) => m.causeId),
      textColumn(movements, (m) => m.actor ?? actor),
    ],
  );
}

export interface ReceiptLot {
  sku: string;
  lotId: string;
  quantity: number;
  producedOn: LocalDate;
  expiresOn: LocalDate;
  origin?: string;
  campaignId?: string;
}

export interface Receipt {
  reference: string;
  siteId: string;
  lots: ReceiptLot[];
  actor: string;
  /** Digest of the body as sent, so that a repeat is told from another receipt under the same reference. */
  bodyDigest: Buffer;
}

export type ReceiptAnswer =
  | { kind: 'received' | 'repeated'; answer: object }
  | { kind: 'conflict' }
  | { kind: 'unknownSite' }
  | { kind: 'unknownSku'; index: number }
  | { kind: 'unknownCampaign'; index: number }
  /** The campaign sells another SKU, or a bundle without this component. */
  | { kind: 'otherCampaign'; index: number }
  | { kind: 'bundle'; index: number }
  | { kind: 'wrongZone'; index: number; zone: string }
  /** The lot exists with other dates or origin: one lot is one production and one expiry. */
  | { kind: 'otherLot'; index: number };

/**
 * Receives lots at a site: all or none, once per reference. Refuses what the site or the catalogue cannot take.
 * A lot that came before is added to, if its dates are the same. What names a presale campaign is reserved for it in
 * the same step and is never for sale on the shelf before all of its buyers are served (I3).
 */
export async function receiveStock(tx: TenantTx, receipt: Receipt): Promise<ReceiptAnswer> {
  const campaigns = await readCampaignGoods(tx, campaignsOf(receipt));
  // the campaign's own SKU too, which may be a bundle: all who sell, pay or hand out its units meet at that lock
  const skus = [...receipt.lots.map((lot) => lot.sku), ...[...campaigns.values()].map(({ sku }) => sku)];
  await lockPools(tx, skus);
  const known = await findReceipt(tx, receipt);
  if (known) return known;
  const refusal =
    (await checkReceipt(tx, receipt)) ??
    (await checkCampaigns(tx, receipt)) ??
    (await insertLots(tx, receipt.lots));
  if (refusal) throw new Rollback<ReceiptAnswer>(refusal);
  const answer = {
    reference: receipt.reference,
    siteId: receipt.siteId,
    lots: receipt.lots.map(({ sku, lotId, quantity, campaignId }) => ({ sku, lotId, quantity, campaignId })),
  };
  const inserted = await tx.query(
    `INSERT INTO stock_receipt (tenant, reference, site_id, body_digest, answer) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    [tx.tenant, receipt.reference, receipt.siteId, receipt.bodyDigest, JSON.stringify(answer)],
  );
  // two receipts of different SKUs under one reference do not meet at the pool locks; they meet here
  if (inserted.rowCount === 0)
    throw new Rollback<ReceiptAnswer>((await findReceipt(tx, receipt)) ?? { kind: 'conflict' });
  const reserved = reservedBy(receipt);
  await writeMovements(tx, {
    actor: receipt.actor,
    movements: [
      ...receipt.lots.map(
        ({ sku, lotId, quantity }): Movement => ({
          kind: 'received',
          sku,
          siteId: receipt.siteId,
          lotId,
          quantity,
          causeKind: 'receipt',
          causeId: receipt.reference,
        }),
      ),
      ...reserved.map(
        ({ campaignId, units, ...lot }): Movement => ({
          kind: 'reserved',
          ...lot,
          quantity: units,
          causeKind: 'campaign',
          causeId: campaignId,
        }),
      ),
    ],
  });
  await addToReserve(tx, reserved);
  await wakeConversion(tx, campaignsOf(receipt));
  return { kind: 'received', answer };
}

function campaignsOf({ lots }: Receipt): string[] {
  return [...new Set(lots.flatMap((lot) => lot.campaignId ?? []))];
}

function reservedBy({ siteId, lots }: Receipt): ReserveUnits[] {
  return lots.flatMap(({ sku, lotId, quantity, campaignId }) =>
    campaignId === undefined ? [] : [{ campaignId, sku, siteId, lotId, units: quantity }],
  );
}

/** Read again under the locks: until now a campaign could be given another SKU. */
async function checkCampaigns(tx: TenantTx, receipt: Receipt): Promise<ReceiptAnswer | null> {
  const campaigns = await readCampaignGoods(tx, campaignsOf(receipt));
  for (const [index, { sku, campaignId }] of receipt.lots.entries()) {
    if (campaignId === undefined) continue;
    const campaign = campaigns.get(campaignId);
    if (!campaign) return { kind: 'unknownCampaign', index };
    if (!campaign.goods.has(sku)) return { kind: 'otherCampaign', index };
  }
  return null;
}

async function findReceipt(tx: TenantTx, receipt: Receipt): Promise<ReceiptAnswer | null> {
  const { rows } = await tx.query<{ body_digest: Buffer; answer: object }>(
    'SELECT body_digest, answer FROM stock_receipt WHERE tenant = $1 AND reference = $2',
    [tx.tenant, receipt.reference],
  );
  const row = rows[0];
  if (!row) return null;
  return row.body_digest.equals(receipt.bodyDigest)
    ? { kind: 'repeated', answer: row.answer }
    : { kind: 'conflict' };
}

async function checkReceipt(tx: TenantTx, receipt: Receipt): Promise<ReceiptAnswer | null> {
  // locked, so that the site cannot lose a zone between this check and the receipt's commit
  const site = await tx.query<{ zones: string[] }>(
    'SELECT zones FROM site WHERE tenant = $1 AND site_id = $2 FOR KEY SHARE',
    [tx.tenant, receipt.siteId],
  );
  const zones = site.rows[0]?.zones;
  if (!zones) return { kind: 'unknownSite' };
  const { rows } = await tx.query<{ sku: string | null; zone: string; bundle: boolean }>(
    `SELECT k.sku, k.zone,
            EXISTS (SELECT 1 FROM sku_component c WHERE c.tenant = $1 AND c.sku = k.sku) AS bundle
       FROM unnest($2::text[]) WITH ORDINALITY AS l(sku, position)
       LEFT JOIN sku k ON k.tenant = $1 AND k.sku = l.sku ORDER BY l.position`,
    [tx.tenant, receipt.lots.map((lot) => lot.sku)],
  );
  for (const [index, row] of rows.entries()) {
    if (row.sku === null) return { kind: 'unknownSku', index };
    if (row.bundle) return { kind: 'bundle', index };
    if (!zones.includes(row.zone)) return { kind: 'wrongZone', index, zone: row.zone };
  }
  return null;
}

async function insertLots(tx: TenantTx, lots: ReceiptLot[]): Promise<ReceiptAnswer | null> {
  const values = [
    tx.tenant,
    lots.map((lot) => lot.sku),
    lots.map((lot) => lot.lotId),
    lots.map((lot) => lot.producedOn),
    lots.map((lot) => lot.expiresOn),
    lots.map((lot) => lot.origin ?? null),
  ];
  await tx.query(
    `INSERT INTO lot (tenant, sku, lot_id, produced_on, expires_on, origin)
     SELECT $1, sku, lot_id, produced_on, expires_on, origin
       FROM unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::text[]) AS l(sku, lot_id, produced_on, expires_on, origin)
     ON CONFLICT DO NOTHING`,
    values,
  );
  const { rows } = await tx.query<{ position: number }>(
    `SELECT l.position FROM unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::text[])
            WITH ORDINALITY AS l(sku, lot_id, produced_on, expires_on, origin, position)
       JOIN lot k ON k.tenant = $1 AND k.sku = l.sku AND k.lot_id = l.lot_id
      WHERE (k.produced_on, k.expires_on) <> (l.produced_on, l.expires_on)
         OR (l.origin IS NOT NULL AND k.origin IS DISTINCT FROM l.origin)
      ORDER BY l.position LIMIT 1`,
    values,
  );
  return rows[0] ? { kind: 'otherLot', index: rows[0].position - 1 } : null;
}
