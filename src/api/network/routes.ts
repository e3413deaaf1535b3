import {
  type CarrierRecord,
  type CommunityRecord,
  type LeaderRecord,
  type PickupPointRecord,
  putCarrier,
  putCommunity,
  putLeader,
  putPickupPoint,
  putSite,
  putSupplier,
  type SiteRecord,
  type SupplierRecord,
} from '../../db/network';
import {
  carrierSource,
  communitySource,
  leaderSource,
  pickupPointSource,
  siteSource,
  supplierSource,
} from '../../db/network.read';
import { resourceRoutes } from '../http/resource';
import type { Route } from '../http/route';
import { litresOf, millilitresOf } from '../http/schema';
import { expectWebhookUrl } from '../webhook/webhookUrl';
import { expectPartnerUrl } from './partnerUrl';
import {
  carrierAnswer,
  carrierBody,
  communityAnswer,
  communityBody,
  leaderAnswer,
  leaderBody,
  type PickupPointBody,
  pickupPointAnswer,
  pickupPointBody,
  siteAnswer,
  siteBody,
  supplierAnswer,
  supplierBody,
} from './schema';

const tag = 'Network';

export const networkRoutes: Route[] = [
  ...resourceRoutes<typeof siteBody, SiteRecord>({
    tag,
    path: '/v1/sites',
    id: 'siteId',
    noun: 'site',
    body: siteBody,
    answer: siteAnswer,
    source: siteSource,
    refusals: ['in-use'],
    put: (tx, siteId, body) =>
      putSite(tx, siteId, {
        ...body,
        departsAt: body.departsAt ?? [],
        closedOn: body.closedOn ?? [],
        safetyStock: body.safetyStock ?? 0,
      }),
    show: (stored) => stored,
  }),
  ...resourceRoutes<typeof communityBody, CommunityRecord>({
    tag,
    path: '/v1/communities',
    id: 'communityId',
    noun: 'community',
    body: communityBody,
    answer: communityAnswer,
    source: communitySource,
    refusals: [],
    put: putCommunity,
    show: (stored) => stored,
  }),
  ...resourceRoutes<typeof leaderBody, LeaderRecord>({
    tag,
    path: '/v1/leaders',
    id: 'leaderId',
    noun: 'leader',
    body: leaderBody,
    answer: leaderAnswer,
    source: leaderSource,
    refusals: ['in-use'],
    put: putLeader,
    show: (stored) => stored,
  }),
  ...resourceRoutes<typeof pickupPointBody, PickupPointRecord>({
    tag,
    path: '/v1/pickup-points',
    id: 'pickupPointId',
    noun: 'pickup point',
    body: pickupPointBody,
    answer: pickupPointAnswer,
    source: pickupPointSource,
    refusals: ['in-use', 'unknown-reference'],
    put: (tx, pickupPointId, body) => putPickupPoint(tx, pickupPointId, pointOf(body)),
    show: ({ capacityMillilitres: { ambient, chilled, frozen }, ...stored }) => ({
      ...stored,
      capacity: {
        ambientLitres: litresOf(ambient),
        chilledLitres: litresOf(chilled),
        frozenLitres: litresOf(frozen),
      },
    }),
  }),
  ...resourceRoutes<typeof carrierBody, CarrierRecord>({
    tag,
    path: '/v1/carriers',
    id: 'carrierId',
    noun: 'carrier',
    body: carrierBody,
    answer: carrierAnswer,
    source: carrierSource,
    refusals: [],
    put(tx, carrierId, body, { mode, sandboxCarrierUrl }) {
      expectPartnerUrl({ path: 'baseUrl', url: body.baseUrl, mode, configured: sandboxCarrierUrl });
      return putCarrier(tx, carrierId, body);
    },
    show: (stored) => stored,
  }),
  ...resourceRoutes<typeof supplierBody, SupplierRecord>({
    tag,
    path: '/v1/suppliers',
    id: 'supplierId',
    noun: 'supplier',
    body: supplierBody,
    answer: supplierAnswer,
    source: supplierSource,
    refusals: ['unknown-reference'],
    put(tx, supplierId, body, { mode }) {
      const { webhookUrl: url } = body;
      if (url !== undefined) expectWebhookUrl({ path: 'webhookUrl', url, mode });
      return putSupplier(tx, supplierId, body);
    },
    show: (stored) => stored,
  }),
];

function pointOf({ capacity, closedOn, temporary, ...body }: PickupPointBody): PickupPointRecord {
  return {
    ...body,
    closedOn: closedOn ?? [],
    temporary: temporary ?? false,
    capacityMillilitres: {
      ambient: millilitresOf(capacity.ambientLitres),
      chilled: millilitresOf(capacity.chilledLitres),
      frozen: millilitresOf(capacity.frozenLitres),
    },
  };
}
