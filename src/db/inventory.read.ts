import type { MovementKind } from '../domain/inventory/model';
import { earliestHandOverDay, sellableOfLot, type SellableState } from '../domain/inventory/sellable';
import type { LocalDate } from '../domain/network/model';
import { readCarriers, readClock, readSites, readSkus } from './admission.read';
import type { TenantTx } from './transaction';

export interface StockItem {
  sku: string;
  siteId: string;
  lotId: string;
  expiresOn: LocalDate;
  onHand: number;
  held: number;
  committed: number;
  quarantined: number;
  sellable: number;
}

export interface StockFilter {
  sku?: string;
  siteId?: string;
  limit: number;
  /** The last item of the page before. */
  after?: { sku: string; siteId: string; lotId: string };
}

/** Balances by SKU, site and lot; `sellable` of a lot is what it could give today, before safety stock. */
export async function readStock(tx: TenantTx, filter: StockFilter): Promise<StockItem[]> {
  const { rows } = await tx.query<Omit<StockItem, 'sellable'>>(
    `SELECT b.sku, b.site_id AS "siteId", b.lot_id AS "lotId", l.expires_on AS "expiresOn", b.on_hand AS "onHand",
            b.committed, b.quarantined,
            b.held - coalesce((SELECT sum(h.remaining) FROM hold h
              WHERE h.tenant = b.tenant AND h.sku = b.sku AND h.site_id = b.site_id AND h.lot_id = b.lot_id
                AND h.state = 'held' AND h.expires_at <= clock_timestamp()), 0)::bigint AS held
       FROM stock_balance b JOIN lot l ON l.tenant = b.tenant AND l.sku = b.sku AND l.lot_id = b.lot_id
      WHERE b.tenant = $1 AND ($2::text IS NULL OR b.sku = $2) AND ($3::text IS NULL OR b.site_id = $3)
        AND ($4::text IS NULL OR (b.sku, b.site_id, b.lot_id) > ($4, $5, $6))
      ORDER BY b.sku, b.site_id, b.lot_id LIMIT $7`,
    [
      tx.tenant,
      filter.sku ?? null,
      filter.siteId ?? null,
      filter.after?.sku ?? null,
      filter.after?.siteId ?? null,
      filter.after?.lotId ?? null,
      filter.limit,
    ],
  );
  const state = await readHandOverState(tx, [...new Set(rows.map((row) => row.sku))]);
  return rows.map((row) => {
    const sku = state.skus.get(row.sku);
    const site = state.sites.find((candidate) => candidate.siteId === row.siteId);
    const handOverOn = sku && site ? earliestHandOverDay(site, sku.zone, state) : null;
    return { ...row, sellable: sellableOfLot(row, handOverOn, sku?.minimumLifeDays ?? 0) };
  });
}

/** What decides on which day goods can be there. */
async function readHandOverState(tx: TenantTx, skus: string[]): Promise<SellableState> {
  const leaders = tx.query<{ leaderId: string; certificate: 'basic' | 'cold' }>(
    `SELECT DISTINCT l.leader_id AS "leaderId", l.certificate
       FROM leader l JOIN pickup_point p ON p.tenant = l.tenant AND p.leader_id = l.leader_id WHERE l.tenant = $1`,
    [tx.tenant],
  );
  const [clock, known, sites, carriers, { rows }] = await Promise.all([
    readClock(tx),
    readSkus(tx, skus),
    readSites(tx),
    readCarriers(tx),
    leaders,
  ]);
  return { ...clock, sites, carriers, leaders: rows, lots: [], skus: known, waiting: new Map() };
}

export interface MovementItem {
  movementId: string;
  at: Date;
  kind: MovementKind;
  sku: string;
  siteId: string;
  lotId: string;
  onHand: number;
  held: number;
  committed: number;
  quarantined: number;
  cause: { kind: string; id: string };
  actor: string;
}

export interface MovementFilter {
  sku?: string;
  siteId?: string;
  lotId?: string;
  limit: number;
  /** Cursor: the last item of the page before. `at` as the database's own text, to the microsecond. */
  after?: { at: string; batchId: string; position: number };
}

/** The journal, newest first, with the cursor of each item beside it. */
export async function readMovements(
  tx: TenantTx,
  filter: MovementFilter,
): Promise<{ item: MovementItem; cursor: { at: string; batchId: string; position: number } }[]> {
  const { rows } = await tx.query<
    Record<string, unknown> & { cursor_at: string; batch_id: string; position: number }
  >(
    `SELECT batch_id, position, at, at::text AS cursor_at, kind, sku, site_id, lot_id, on_hand, held, committed,
            quarantined, cause_kind, cause_id, actor
       FROM stock_movement
      WHERE tenant = $1 AND ($2::text IS NULL OR sku = $2) AND ($3::text IS NULL OR site_id = $3)
        AND ($4::text IS NULL OR lot_id = $4)
        AND ($5::timestamptz IS NULL OR (at, batch_id, position) < ($5::timestamptz, $6::uuid, $7::integer))
      ORDER BY at DESC, batch_id DESC, position DESC LIMIT $8`,
    [
      tx.tenant,
      filter.sku ?? null,
      filter.siteId ?? null,
      filter.lotId ?? null,
      filter.after?.at ?? null,
      filter.after?.batchId ?? null,
      filter.after?.position ?? null,
      filter.limit,
    ],
  );
  return rows.map((row) => ({
    item: {
      movementId: `${row.batch_id}:${row.position}`,
      at: row.at as Date,
      kind: row.kind as MovementKind,
      sku: row.sku as string,
      siteId: row.site_id as string,
      lotId: row.lot_id as string,
      onHand: row.on_hand as number,
      held: row.held as number,
      committed: row.committed as number,
      quarantined: row.quarantined as number,
      cause: { kind: row.cause_kind as string, id: row.cause_id as string },
      actor: row.actor as string,
    },
    cursor: { at: row.cursor_at, batchId: row.batch_id, position: row.position },
  }));
}
