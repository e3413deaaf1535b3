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
import type { UnpaidOrder } from './givingWay';
import { decidePlacing, type Placing, type PlacingRequest, type PlacingRules } from './placing';
import { keepForWaiting, type WaitingDemand } from './waitingList';

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
  /** Units of each SKU's shelf that those on the waiting list ask for; only where somebody waits. */
  waiting: Map<string, number>;
  /** Units that buyers hold unpaid, by `holderKey`; only where a limit asks for it. */
  unpaid: Map<string, number>;
}

/** Who holds without having paid: a buyer is known by the channel and the channel's own name for them. */
export interface Holder {
  channel: string;
  buyerRef: string;
}

/** Whose purchase limit an order counts against, and where: one live session, else one calendar day. */
export interface Purchase {
  buyerRef: string;
  liveSessionId: string | null;
}

export interface LedgerRequest extends AdmissionRequest {
  purchase: Purchase;
}

/** A new order, whose buyer may be asked to wait, and whose older ones may give way. */
export interface LedgerPlacing extends Omit<PlacingRequest, 'liveSessionId'> {
  purchase: Purchase;
  holder: Holder;
  /** Only of an order that is decided alone: what gives way is not there for those after it either. */
  own?: UnpaidOrder[];
}

/** Orders decided one after the other on one state. */
export interface AdmissionLedger {
  /** Decides a new order; what it is admitted to, or waits for, is gone for those after it. */
  place(placing: LedgerPlacing, rules: PlacingRules): Placing;
  /** Decides an order that is there already; what it is admitted to is gone for those after it. */
  decide(request: LedgerRequest): Admission;
  /** What would be decided now of a new order that does not wait; takes nothing. */
  foresee(placing: LedgerPlacing, rules: PlacingRules): Placing;
  /** An order that is taken in although nothing can be held for it: it counts against its buyer's limit all the same. */
  note(request: Pick<LedgerRequest, 'lines' | 'purchase'>): void;
}

const noLoad: Record<PointZone, number> = { ambient: 0, chilled: 0, frozen: 0 };

/** The purchases that one limit counts together. */
export function purchaseKey({ buyerRef, liveSessionId }: Purchase, sku: string): string {
  return JSON.stringify([buyerRef, liveSessionId, sku]);
}

/** The unpaid units that one limit counts together. */
export function holderKey({ channel, buyerRef }: Holder, sku: string): string {
  return JSON.stringify([channel, buyerRef, sku]);
}

/** The state as the order sees it whose turn is next after those `ahead` in line: only theirs is kept. */
export function keepForAhead(state: LedgerState, ahead: WaitingDemand[]): LedgerState {
  const waiting = new Map<string, number>();
  for (const { sku, units, campaignId } of ahead) {
    if (campaignId === null) waiting.set(sku, units);
  }
  const inQuota = (campaignId: string, region: string) =>
    ahead.find((each) => each.campaignId === campaignId && each.region === region)?.units ?? 0;
  const campaigns = new Map(
    [...state.campaigns].map(([id, campaign]) => {
      const quotas = campaign.quotas.map((quota) => ({ ...quota, waiting: inQuota(id, quota.region) }));
      return [id, { ...campaign, quotas }];
    }),
  );
  return { ...state, waiting, campaigns };
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
  const waiting = new Map(state.waiting);
  const unpaid = new Map(state.unpaid);

  const stateFor = (request: Pick<LedgerRequest, 'lines' | 'destination' | 'purchase'>): AdmissionState => {
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

  const plan = (request: LedgerRequest): Admission => planBehind(request, stateFor(request), waiting);
  const look = ({ own = [], holder, ...request }: LedgerPlacing, rules: PlacingRules): Placing => {
    const admission = stateFor(request);
    return decidePlacing(
      { ...request, liveSessionId: request.purchase.liveSessionId },
      {
        admission,
        own,
        waiting: waitingFor(admission, waiting),
        unpaid: unpaidOf(request.lines, { holder, unpaid }),
      },
      rules,
    );
  };
  const take = (
    request: Pick<LedgerRequest, 'lines' | 'destination' | 'purchase'>,
    admitted: Admitted,
  ): void => {
    takeUnits(lots, admitted);
    takeQuota(campaigns, admitted);
    takeLitres(pointLoads, request.destination.pickupPointId, admitted);
    notePurchase(bought, request);
  };

  return {
    foresee: (placing, rules) => look({ ...placing, mayWait: false }, rules),
    note: (request) => notePurchase(bought, request),
    decide(request) {
      const admission = plan(request);
      if (admission.kind === 'admitted') take(request, admission);
      return admission;
    },
    place(placing, rules) {
      const placed = look(placing, rules);
      if (placed.kind === 'admitted') {
        take(placing, placed.admitted);
        if (!placing.paid) noteUnpaid(unpaid, { ...placing, skus: state.skus });
      } else if (placed.kind === 'waiting') {
        joinQueues({ waiting, campaigns }, placed.demand);
        notePurchase(bought, placing);
      }
      return placed;
    },
  };
}

const nobody: Map<string, number> = new Map();

function planBehind(request: LedgerRequest, state: AdmissionState, waiting: Map<string, number>): Admission {
  const kept = waitingFor(state, waiting);
  return planAdmission(request, kept.size === 0 ? state : keepForWaiting(state, kept));
}

/** Of the goods that an order asks for. */
function waitingFor({ lots }: AdmissionState, waiting: Map<string, number>): Map<string, number> {
  if (waiting.size === 0) return nobody;
  return new Map([...waiting].filter(([sku]) => lots.some((lot) => lot.sku === sku)));
}

function unpaidOf(
  lines: PlacingRequest['lines'],
  { holder, unpaid }: { holder: Holder; unpaid: Map<string, number> },
): Map<string, number> {
  if (unpaid.size === 0) return nobody;
  return new Map(lines.map(({ sku }) => [sku, unpaid.get(holderKey(holder, sku)) ?? 0]));
}

function noteUnpaid(
  unpaid: Map<string, number>,
  { lines, holder, skus }: Pick<LedgerPlacing, 'lines' | 'holder'> & Pick<LedgerState, 'skus'>,
): void {
  for (const { sku, quantity } of lines) {
    if (skus.get(sku)?.unpaidLimit === undefined) continue;
    const key = holderKey(holder, sku);
    unpaid.set(key, (unpaid.get(key) ?? 0) + quantity);
  }
}

function joinQueues(
  { waiting, campaigns }: { waiting: Map<string, number>; campaigns: Map<string, Campaign> },
  demand: WaitingDemand[],
): void {
  for (const { sku, units, campaignId, region } of demand) {
    if (campaignId === null) waiting.set(sku, (waiting.get(sku) ?? 0) + units);
    const quota = campaigns.get(campaignId ?? '')?.quotas.find((each) => each.region === region);
    if (quota) quota.waiting += units;
  }
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

function goodsOf({ lines }: Pick<AdmissionRequest, 'lines'>): string[] {
  const first = lines[0];
  if (lines.length === 1 && first?.components.length === 1) return [first.components[0]?.sku ?? ''];
  return [...new Set(lines.flatMap((line) => line.components.map((part) => part.sku)))];
}

function boughtOf(
  { lines, purchase }: Pick<LedgerRequest, 'lines' | 'purchase'>,
  bought: Map<string, number>,
): Map<string, number> {
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
function notePurchase(
  bought: Map<string, number>,
  { lines, purchase }: Pick<LedgerRequest, 'lines' | 'purchase'>,
): void {
  for (const { sku, quantity } of lines) {
    const key = purchaseKey(purchase, sku);
    bought.set(key, (bought.get(key) ?? 0) + quantity);
  }
}
