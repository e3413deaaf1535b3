import type { Catalogue } from './catalogue';
import type { LotReceipt, Receipt, SeedSite, SeedSku } from './seedModel';

/** SKUs of the first 160 rows of popularity also lie in the forward sites; the rest come from the central one. */
const forwardRange = 160;
const dayMilliseconds = 86_400_000;

interface ReceiptPlan {
  /** Begins every reference, so that the same plan sent twice is one receipt. */
  referencePrefix: string;
  /** Day of the receipt, `YYYY-MM-DD` in the brand's time zone. */
  today: string;
  sites: SeedSite[];
  skus: SeedSku[];
  /** Units wanted in the whole pool, by SKU; SKUs that are missing get nothing. */
  units: Map<string, number>;
}

/** One receipt for each site, with the lots of the day. Units are split among the sites that may hold the SKU. */
export function planReceipts({ referencePrefix, today, sites, skus, units }: ReceiptPlan): Receipt[] {
  const lotsBySite = new Map<string, LotReceipt[]>();
  skus.forEach((sku, rank) => {
    const shares = shareAmongSites(units.get(sku.sku) ?? 0, chooseSites(sku, rank, sites));
    for (const { siteId, quantity } of shares) {
      const lots = lotsBySite.get(siteId) ?? [];
      lots.push(...splitIntoLots(sku, quantity, today));
      lotsBySite.set(siteId, lots);
    }
  });
  return [...lotsBySite].map(([siteId, lots]) => ({
    reference: `${referencePrefix}-${siteId}`,
    siteId,
    lots,
  }));
}

/** The sites that hold a SKU, each with its weight. */
function chooseSites(
  sku: SeedSku,
  rank: number,
  sites: SeedSite[],
): Array<{ siteId: string; weight: number }> {
  const able = sites.filter((site) => site.zones.includes(sku.zone));
  const weightOf = (site: SeedSite): number => {
    if (site.kind === 'central') return 6;
    if (site.kind === 'supplier') return sku.handling?.includes('live') ? 4 : 0;
    if (sku.zone === 'special') return 3;
    if (rank >= forwardRange) return 0;
    return site.kind === 'forward' ? 2 : 0;
  };
  return able
    .map((site) => ({ siteId: site.siteId, weight: weightOf(site) }))
    .filter(({ weight }) => weight > 0);
}

/** Largest remainders go to the first sites; the parts sum to the whole. */
function shareAmongSites(
  units: number,
  sites: Array<{ siteId: string; weight: number }>,
): Array<{ siteId: string; quantity: number }> {
  const total = sites.reduce((sum, site) => sum + site.weight, 0);
  const shares = sites.map(({ siteId, weight }) => ({
    siteId,
    quantity: Math.floor((units * weight) / total),
  }));
  let left = units - shares.reduce((sum, share) => sum + share.quantity, 0);
  for (const share of shares) {
    if (left === 0) break;
    share.quantity += 1;
    left -= 1;
  }
  return shares.filter((share) => share.quantity > 0);
}

/** Two fifths come from an older lot, so that first-expired-first-out has something to choose. */
function splitIntoLots(sku: SeedSku, quantity: number, today: string): LotReceipt[] {
  const ageDays = Math.floor((sku.shelfLifeDays - sku.minimumRemainingLifeDays) / 4);
  const older = ageDays > 0 ? Math.floor((quantity * 2) / 5) : 0;
  return [
    describeLot(sku, older, addDays(today, -ageDays)),
    describeLot(sku, quantity - older, today),
  ].filter((lot) => lot.quantity > 0);
}

function describeLot(sku: SeedSku, quantity: number, producedOn: string): LotReceipt {
  return {
    sku: sku.sku,
    lotId: `${sku.sku}.${producedOn.replaceAll('-', '')}`,
    quantity,
    producedOn,
    expiresOn: addDays(producedOn, sku.shelfLifeDays),
  };
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMilliseconds).toISOString().slice(0, 10);
}

/** The calendar day in Shanghai, which knows no summer time. */
export function shanghaiDate(atMs: number): string {
  return new Date(atMs + 8 * 3_600_000).toISOString().slice(0, 10);
}

/** A few units of everything: the brand's shelves on an ordinary day, above every safety stock. */
export function planOpening({ skus }: Catalogue): Map<string, number> {
  return new Map(skus.map((sku) => [sku.sku, 16 + (sku.safetyStock ?? 0)]));
}
