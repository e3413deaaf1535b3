import { sumBySku } from '../catalogue/explode';
import type { Instant } from '../network/model';
import type { Campaign } from '../presale/model';
import {
  type Admission,
  type AdmissionRequest,
  type AdmissionSku,
  type AdmissionState,
  planAdmission,
} from './admission';

import type { PlannedLine } from './model';
import { unitsToSell } from './scarcity';

/** Units that an order waits for, of one queue: real goods of the shelf, or a campaign's quota in a region. */
export interface WaitingDemand {
  sku: string;
  units: number;
  /** Of a presale line; then `region` is the buyer's. */
  campaignId: string | null;
  region: string | null;
}

/** The queues an order stands in, each once: bundles exploded, repeated lines added (I13). */
export function waitingDemand(lines: PlannedLine[], region: string | null): WaitingDemand[] {
  const spot = sumBySku(lines.flatMap((line) => (line.supply === 'spot' ? line.components : [])));
  const presale = new Map<string, WaitingDemand>();
  for (const { sku, campaignId, quantity } of lines) {
    if (campaignId === null) continue;
    const units = (presale.get(campaignId)?.units ?? 0) + quantity;
    presale.set(campaignId, { sku, units, campaignId, region });
  }
  return [
    ...spot.map(({ sku, quantity }) => ({ sku, units: quantity, campaignId: null, region: null })),
    ...[...presale.values()].sort((a, b) => ((a.campaignId ?? '') < (b.campaignId ?? '') ? -1 : 1)),
  ];
}

/**
 * The state as an order sees it that stands behind others: the units they ask for are kept for them, as far as they are
 * there, and whatever else they wait for. So nobody ever takes a unit that somebody ahead could have. `waiting`: of
 * each SKU's shelf; what is kept of a quota stands in the quota.
 */
export function keepForWaiting(state: AdmissionState, waiting: Map<string, number>): AdmissionState {
  const kept = new Map([...waiting].map(([sku, units]) => [sku, Math.min(units, unitsToSell(sku, state))]));
  const inQuotas = [...state.campaigns.values()].some(({ quotas }) =>
    quotas.some((quota) => quota.waiting > 0),
  );
  return {
    ...state,
    skus: kept.size === 0 ? state.skus : raiseSafety(state.skus, kept),
    campaigns: inQuotas ? new Map([...state.campaigns].map(capWaiting)) : state.campaigns,
  };
}

function raiseSafety(skus: Map<string, AdmissionSku>, kept: Map<string, number>): Map<string, AdmissionSku> {
  const raised = new Map(skus);
  for (const [id, units] of kept) {
    const sku = skus.get(id);
    if (sku) raised.set(id, { ...sku, safetyStock: sku.safetyStock + units });
  }
  return raised;
}

function capWaiting([id, campaign]: [string, Campaign]): [string, Campaign] {
  const quotas = campaign.quotas.map((quota) => ({
    ...quota,
    waiting: Math.max(0, Math.min(quota.waiting, quota.units - quota.held - quota.sold)),
  }));
  return [id, { ...campaign, quotas }];
}

/** Whether a refusal is one that waiting can mend: the goods or the quota are gone, and may come free again. */
export function isAboutUnits(admission: { kind: string }): boolean {
  return admission.kind === 'soldOut' || admission.kind === 'quotaExhausted';
}

/**
 * What the answer would be if there were units in plenty at every site. Whoever would be refused even so waits in vain;
 * what is admitted tells the promise that an order can expect at best.
 */
export function planInPlenty(request: AdmissionRequest, state: AdmissionState): Admission {
  const asked = sumBySku(request.lines.flatMap((line) => line.components));
  const lots = asked.flatMap(({ sku, quantity }) =>
    state.sites.map(({ siteId, safetyStock }) => ({
      sku,
      siteId,
      lotId: 'plenty',
      expiresOn: '9999-12-31',
      onHand: quantity + safetyStock + (state.skus.get(sku)?.safetyStock ?? 0),
      held: 0,
      committed: 0,
      quarantined: 0,
    })),
  );
  const campaigns = new Map(
    [...state.campaigns].map(([id, campaign]) => {
      const quotas = campaign.quotas.map((quota) => ({ ...quota, held: 0, sold: 0, waiting: 0 }));
      return [id, { ...campaign, quotas }];
    }),
  );
  return planAdmission(request, { ...state, lots, campaigns });
}

export interface WaitBounds {
  now: Instant;
  /** How long the house keeps anybody waiting. */
  waitingSeconds: number;
  /** The buyer's delivery window, after which nothing can be delivered any more. */
  window: { to: Instant } | null;
  /** When the campaigns of the order's presale lines close. */
  closesAt: Instant[];
}

/** Until when an order waits at most: then it is cancelled, and the channel told. */
export function waitUntil({ now, waitingSeconds, window, closesAt }: WaitBounds): Instant {
  return Math.min(now + waitingSeconds * 1000, window?.to ?? Number.POSITIVE_INFINITY, ...closesAt);
}
