import {
  findPickupPoint,
  type PointWithCommunities,
  readCampaigns,
  readClock,
  readCommunities,
  readPointsOfCommunity,
} from '../db/admission.read';
import type { TenantTx } from '../db/transaction';
import { explode } from '../domain/catalogue/explode';
import { nearest } from '../domain/network/distance';
import type { Community } from '../domain/network/model';
import type { AdmissionSku } from '../domain/order/admission';
import type { Destination, PlannedLine } from '../domain/order/model';
import type { IntakeAnswer, IntakeLine, IntakeRequest } from './model';

type Refused = Extract<IntakeAnswer, { kind: 'unknownReference' | 'invalid' }>;

/** A line with its price decided and its components exploded. */
export interface ResolvedLine extends PlannedLine {
  unitPriceFen: number;
  discountFen: number;
}

/**
 * Looks up where the order goes. The method is pickup if a point is named, else express; the point of a pickup
 * order without one is the nearest that serves the community; the community is the named one, else the point's
 * nearest, else the one nearest to the buyer's location; the region is the community's.
 */
export async function resolveDestination(
  tx: TenantTx,
  request: IntakeRequest,
): Promise<Destination | Refused> {
  const { buyer } = request;
  const deliveryMethod = request.deliveryMethod ?? (buyer.pickupPointId === undefined ? 'express' : 'pickup');
  const named = await namedPlaces(tx, request);
  if ('kind' in named) return named;
  let { point } = named;
  const community = named.community ?? (await communityOf(tx, point, buyer.location));
  if (point === null && deliveryMethod === 'pickup' && community) {
    point = nearest(
      await readPointsOfCommunity(tx, community.communityId),
      buyer.location ?? community.location,
    );
  }
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

interface NamedPlaces {
  point: PointWithCommunities | null;
  community: Community | null;
}

async function namedPlaces(tx: TenantTx, { buyer }: IntakeRequest): Promise<NamedPlaces | Refused> {
  const point = buyer.pickupPointId === undefined ? null : await findPickupPoint(tx, buyer.pickupPointId);
  if (buyer.pickupPointId !== undefined && !point) {
    return { kind: 'unknownReference', path: 'buyer.pickupPointId', id: buyer.pickupPointId };
  }
  const community =
    buyer.communityId === undefined ? null : (await readCommunities(tx, buyer.communityId))[0];
  if (community === undefined) {
    return { kind: 'unknownReference', path: 'buyer.communityId', id: buyer.communityId ?? '' };
  }
  return { point, community };
}

async function communityOf(
  tx: TenantTx,
  point: PointWithCommunities | null,
  location: { lat: number; lng: number } | undefined,
): Promise<Community | null> {
  if (!point && !location) return null;
  const all = await readCommunities(tx);
  const served = point ? all.filter((community) => point.communities.includes(community.communityId)) : all;
  return nearest(served, location ?? (point as PointWithCommunities).location);
}

/**
 * Gives every line its id (its position from "1"), its price (the shop's, else the campaign's, else the SKU's) and
 * its real goods. A presale line that names no campaign takes the open one of its SKU that closes first.
 */
export async function resolveLines(
  tx: TenantTx,
  lines: IntakeLine[],
  skus: Map<string, AdmissionSku>,
): Promise<ResolvedLine[] | Refused> {
  const presale = lines.filter((line) => isPresale(line));
  const now = presale.length === 0 ? 0 : (await readClock(tx)).now;
  const campaigns =
    presale.length === 0
      ? []
      : await readCampaigns(tx, { ids: [], skus: presale.map((line) => line.sku) }, now);
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
    const ofSku = campaigns.filter((campaign) => campaign.sku === line.sku);
    const campaign = !isPresale(line)
      ? null
      : line.campaignId === undefined
        ? (ofSku.find((candidate) => candidate.opensAt <= now && now < candidate.closesAt) ?? null)
        : (ofSku.find((candidate) => candidate.campaignId === line.campaignId) ?? null);
    if (isPresale(line) && !campaign) {
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

/** Naming a campaign says presale as clearly as the word itself. */
function isPresale(line: IntakeLine): boolean {
  return (line.supply ?? (line.campaignId === undefined ? 'spot' : 'presale')) === 'presale';
}
