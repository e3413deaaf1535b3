import type { LotBalance } from '../inventory/model';
import type { Carrier, Instant, PickupPoint, PointZone, Site } from '../network/model';
import type { Campaign } from '../presale/model';
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionSku,
  type AdmissionState,
  type Admitted,
  planAdmission,
} from './admission';

/** What a batch of orders is decided on, read once under the stock locks. */
export interface LedgerState {
  now: Instant;
  timeZone: string;
  skus: Map<string, AdmissionSku>;
  sites: Site[];
  carriers: Carrier[];
  pickupPoints: Map<string, PickupPoint>;
  /** Millilitres already taken, by pickup point. */
  pointLoads: Map<string, Record<PointZone, number>>;
  lots: LotBalance[];
  campaigns: Map<string, Campaign>;
  /** Units that buyers have open or paid, by `purchaseKey`; only where a purchase limit asks for it. */
  bought: Map<string, number>;
}

/** Whose purchase limit an order counts against, and where: one live session, else one calendar day. */
export interface Purchase {
  buyerRef: string;
  liveSessionId: string | null;
}

export interface LedgerRequest extends AdmissionRequest {
  purchase: Purchase;
}

/** Orders decided one after the other on one state. */
export interface AdmissionLedger {
  /** Decides the next order; what it is admitted to is gone for those after it. */
  decide(request: LedgerRequest): Admission;
  /** What would be decided now; takes nothing. */
  foresee(request: LedgerRequest): Admission;
  /** An order that is taken in although nothing can be held for it: it counts against its buyer's limit all the same. */
  note(request: LedgerRequest): void;
}

const noLoad: Record<PointZone, number> = { ambient: 0, chilled: 0, frozen: 0 };

/** The purchases that one limit counts together. */
export function purchaseKey({ buyerRef, liveSessionId }: Purchase, sku: string): string {
  return JSON.stringify([buyerRef, liveSessionId, sku]);
}

/**
 * Decides a batch in arrival order, exactly as if each order had been decided and written alone before the next was
 * looked at: same order, same admissions. The state handed in is not changed.
 */
export function openLedger(state: LedgerState): AdmissionLedger {
  const lots = groupBySku(state.lots);
  const campaigns = copyCampaigns(state.campaigns);
  const pointLoads = new Map([...state.pointLoads].map(([id, load]) => [id, { ...load }]));
  const bought = new Map(state.bought);

  const stateFor = (request: LedgerRequest): AdmissionState => {
    const pointId = request.destination.pickupPointId;
    return {
      now: state.now,
      timeZone: state.timeZone,
      skus: state.skus,
      sites: state.sites,
      carriers: state.carriers,
      pickupPoint: pointId === null ? null : (state.pickupPoints.get(pointId) ?? null),
      pointLoad: (pointId === null ? undefined : pointLoads.get(pointId)) ?? noLoad,
      lots: goodsOf(request).flatMap((sku) => lots.get(sku) ?? []),
      campaigns,
      bought: boughtOf(request, bought),
    };
  };

  return {
    foresee: (request) => planAdmission(request, stateFor(request)),
    note: (request) => notePurchase(bought, request),
    decide(request) {
      const admission = planAdmission(request, stateFor(request));
      if (admission.kind !== 'admitted') return admission;
      takeUnits(lots, admission);
      takeQuota(campaigns, admission);
      takeLitres(pointLoads, request.destination.pickupPointId, admission);
      notePurchase(bought, request);
      return admission;
    },
  };
}

function groupBySku(lots: LotBalance[]): Map<string, LotBalance[]> {
  const bySku = new Map<string, LotBalance[]>();
  for (const lot of lots) {
    const known = bySku.get(lot.sku);
    if (known) known.push({ ...lot });
    else bySku.set(lot.sku, [{ ...lot }]);
  }
  return bySku;
}

function copyCampaigns(campaigns: Map<string, Campaign>): Map<string, Campaign> {
  return new Map(
    [...campaigns].map(([id, campaign]) => [
      id,
      { ...campaign, quotas: campaign.quotas.map((quota) => ({ ...quota })) },
    ]),
  );
}

function goodsOf({ lines }: AdmissionRequest): string[] {
  const first = lines[0];
  if (lines.length === 1 && first?.components.length === 1) return [first.components[0]?.sku ?? ''];
  return [...new Set(lines.flatMap((line) => line.components.map((part) => part.sku)))];
}

function boughtOf({ lines, purchase }: LedgerRequest, bought: Map<string, number>): Map<string, number> {
  const own = new Map<string, number>();
  if (bought.size === 0) return own;
  for (const { sku } of lines) own.set(sku, bought.get(purchaseKey(purchase, sku)) ?? 0);
  return own;
}

function takeUnits(lots: Map<string, LotBalance[]>, { holds }: Admitted): void {
  for (const hold of holds) {
    const lot = lots
      .get(hold.sku)
      ?.find(({ siteId, lotId }) => siteId === hold.siteId && lotId === hold.lotId);
    if (lot) lot.held += hold.quantity;
  }
}

function takeQuota(campaigns: Map<string, Campaign>, { quotaHolds }: Admitted): void {
  for (const { campaignId, region, quantity } of quotaHolds) {
    const quota = campaigns.get(campaignId)?.quotas.find((each) => each.region === region);
    if (quota) quota.held += quantity;
  }
}

function takeLitres(
  pointLoads: Map<string, Record<PointZone, number>>,
  pickupPointId: string | null,
  { capacity }: Admitted,
): void {
  if (pickupPointId === null || capacity.length === 0) return;
  const load = pointLoads.get(pickupPointId) ?? { ...noLoad };
  for (const { zone, millilitres } of capacity) load[zone] += millilitres;
  pointLoads.set(pickupPointId, load);
}

/** Bundles count under their own SKU, as the limit is set. */
function notePurchase(bought: Map<string, number>, { lines, purchase }: LedgerRequest): void {
  for (const { sku, quantity } of lines) {
    const key = purchaseKey(purchase, sku);
    bought.set(key, (bought.get(key) ?? 0) + quantity);
  }
}
