import { findShipmentOwner, listShipments } from '../../db/fulfilment.read';
import { recordShipmentEvent, type ShipmentEventAnswer } from '../../db/shipmentEvent';
import { canonicalJson } from '../../intake/canonical';
import type { Principal } from '../http/auth';
import { pageAnswer, pageOf, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { created, defineRoute, ok, type Reply, type Route } from '../http/route';
import {
  eventAnswer,
  eventBody,
  listedShipment,
  shipmentParams,
  shipmentPosition,
  shipmentsQuery,
} from './schema';

const tag = 'Shipments';
const access = ['ops', 'warehouse', 'leader'] as const;

/** The leader whose shipments alone a key sees; null when it sees all. */
function leaderOf(principal: Principal): string | null {
  return principal.role === 'leader' ? principal.leaderId : null;
}

function noShipment(shipmentId: string): Problem {
  return new Problem('not-found', { detail: `There is no shipment ${shipmentId}.` });
}

export const fulfilmentRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/shipments',
    tag,
    summary: 'List shipments, newest first; a leader sees its own',
    access,
    query: shipmentsQuery,
    answers: { ok: pageSchema(listedShipment) },
    async handle({ deps, tenant, query, principal }) {
      const page = pageOf(query, shipmentPosition);
      const own = leaderOf(principal);
      if (own !== null && query.leaderId !== undefined && query.leaderId !== own) {
        throw new Problem('forbidden', { detail: 'A leader sees its own shipments only.' });
      }
      const filter = { state: query.state, siteId: query.siteId, leaderId: own ?? query.leaderId };
      return ok(pageAnswer(await deps.app.inTenant(tenant, (tx) => listShipments(tx, filter, page))));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/shipments/{shipmentId}/events',
    tag,
    summary: 'Report what people did with a shipment; once per event id',
    access,
    params: shipmentParams,
    body: eventBody,
    answers: { created: eventAnswer, ok: eventAnswer },
    refusals: ['not-found', 'idempotency-conflict'],
    async handle({ deps, tenant, params: { shipmentId }, body, principal }) {
      const own = leaderOf(principal);
      const owner = await deps.app.inTenant(tenant, (tx) => findShipmentOwner(tx, shipmentId));
      if (!owner || (own !== null && owner.leaderId !== own)) throw noShipment(shipmentId);
      const answer = await recordShipmentEvent(deps.app, {
        tenant,
        shipmentId,
        ...body,
        at: new Date(body.at),
        // each leader numbers its own events; the brand's people share one numbering
        source: own === null ? 'people' : `leader/${own}`,
        bodyDigest: deps.personalData.digest(
          `shipment event ${tenant}`,
          canonicalJson({ shipmentId, ...body }),
        ),
      });
      return answerEvent(answer, { shipmentId, eventId: body.eventId });
    },
  }),
];

function answerEvent(answer: ShipmentEventAnswer, ids: { shipmentId: string; eventId: string }): Reply {
  switch (answer.kind) {
    case 'recorded':
      return created({ ...ids, state: answer.state });
    case 'repeated':
      return ok(ids);
    case 'conflict':
      throw new Problem('idempotency-conflict', { detail: 'This eventId was recorded with another body.' });
    case 'unknownTenant':
    case 'unknownShipment':
      // the caller's key named the tenant and the shipment is there, so it is the parcel that is not its own
      throw new Problem('not-found', { detail: 'The shipment has no such parcel.' });
  }
}
