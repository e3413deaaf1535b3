import type { Facts } from '../db/facts';
import { explode } from '../domain/catalogue/explode';
import { nearest } from '../domain/network/distance';
import type { Community, Instant, Location, PickupPoint } from '../domain/network/model';
import type { AdmissionSku } from '../domain/order/admission';
import type { Destination, PlannedLine } from '../domain/order/model';
import type { Campaign } from '../domain/presale/model';
import type { IntakeAnswer, IntakeLine, IntakeRequest } from './model';

type Refused = Extract<IntakeAnswer, { kind: 'unknownReference' | 'invalid' }>;

/** A line with its price decided and its components exploded. */
export interface ResolvedLine extends PlannedLine {
  unitPriceFen: number;
  discountFen: number;
}

/** Campaigns of the SKUs that are asked for in presale, and when they were looked at. */
export interface PresaleOffer {
  campaigns: Campaign[];
  at: Instant;
}

/**
 * Looks up where the order goes. The method is pickup if a point is named, else express; the point of a pickup
 * order without one is the nearest that serves the community; the community is the named one, else the point's
 * nearest, else the one nearest to the buyer's location; the region is the community's.
 */
export function resolveDestination(request: IntakeRequest, facts: Facts): Destination | Refused {
  const { buyer } = request;
  const deliveryMethod = request.deliveryMethod ?? (buyer.pickupPointId === undefined ? 'express' : 'pickup');
  const named = buyer.pickupPointId === undefined ? null : facts.points.get(buyer.pickupPointId);
  if (named === undefined) {
    return { kind: 'unknownReference', path: 'buyer.pickupPointId', id: buyer.pickupPointId ?? '' };
  }
  const community =
    buyer.communityId === undefined
      ? communityOf(named, buyer.location, facts)
      : facts.communities.get(buyer.communityId);
  if (community === undefined) {
    return { kind: 'unknownReference', path: 'buyer.communityId', id: buyer.communityId ?? '' };
  }
  const point =
    named === null && deliveryMethod === 'pickup' && community
      ? pointOf(community, buyer.location, facts)
      : named;
  return {
    deliveryMethod,
    location: buyer.location ?? community?.location ?? point?.location ?? null,
    communityId: community?.communityId ?? null,
    region: community?.region ?? null,
    pickupPointId: point?.pickupPointId ?? null,
    window: request.window
      ? { from: Date.parse(request.window.from), to: Date.parse(request.window.to) }
      : null,
  };
}

function communityOf(
  point: (PickupPoint & { communities: string[] }) | null,
  location: Location | undefined,
  { communities }: Facts,
): Community | null {
  if (!point) return location ? nearest([...communities.values()], location) : null;
  const served = point.communities.flatMap((id) => communities.get(id) ?? []);
  return nearest(served, location ?? point.location);
}

function pointOf(
  community: Community,
  location: Location | undefined,
  { points }: Facts,
): PickupPoint | null {
  const serving = [...points.values()].filter((point) => point.communities.includes(community.communityId));
  return nearest(serving, location ?? community.location);
}

/**
 * Gives every line its id (its position from "1"), its price (the shop's, else the campaign's, else the SKU's) and
 * its real goods. A presale line that names no campaign takes the open one of its SKU that closes first.
 */
export function resolveLines(
  lines: IntakeLine[],
  { skus }: Facts,
  offer: PresaleOffer,
): ResolvedLine[] | Refused {
  const resolved: ResolvedLine[] = [];
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const lineId = line.lineId ?? String(index + 1);
    if (seen.has(lineId)) {
      return {
        kind: 'invalid',
        path: `lines.${index}.lineId`,
        expected: 'a line id not used by another line',
        received: lineId,
      };
    }
    seen.add(lineId);
    const sku = skus.get(line.sku) as AdmissionSku;
    const campaign = isPresale(line) ? campaignOf(line, offer) : null;
    if (campaign === undefined) {
      return {
        kind: 'unknownReference',
        path: `lines.${index}.campaignId`,
        id: line.campaignId ?? `(none open for ${line.sku})`,
      };
    }
    resolved.push({
      lineId,
      sku: line.sku,
      quantity: line.quantity,
      supply: campaign ? 'presale' : 'spot',
      campaignId: campaign?.campaignId ?? null,
      components: explode(sku, line.quantity),
      unitPriceFen: line.unitPriceFen ?? campaign?.priceFen ?? sku.priceFen,
      discountFen: line.discountFen ?? 0,
    });
  }
  return resolved;
}

function campaignOf(line: IntakeLine, { campaigns, at }: PresaleOffer): Campaign | undefined {
  return campaigns.find(
    ({ sku, campaignId, opensAt, closesAt }) =>
      sku === line.sku &&
      (line.campaignId === undefined ? opensAt <= at && at < closesAt : campaignId === line.campaignId),
  );
}

/** Naming a campaign says presale as clearly as the word itself. */
export function isPresale(line: IntakeLine): boolean {
  return (line.supply ?? (line.campaignId === undefined ? 'spot' : 'presale')) === 'presale';
}
