import type { z } from 'zod';
import { parkStrayNotice } from '../../db/platformAttention';
import { recordShipmentEvent } from '../../db/shipmentEvent';
import { canonicalJson } from '../../intake/canonical';
import type { ApiDeps } from '../deps';
import { sha256 } from '../http/auth';
import { Problem } from '../http/problem';
import { defineRoute, empty, noBody, type Route } from '../http/route';
import { readSigned } from '../http/signed';
import { carrierEventBody, carrierParams } from './schema';

const conflict = () =>
  new Problem('idempotency-conflict', { detail: 'This event was told with another body.' });

export const carrierRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/carriers/{carrierId}/events',
    tag: 'Callbacks',
    summary: 'A carrier tells what became of a shipment; the order of events does not matter',
    access: 'signed',
    params: carrierParams,
    body: carrierEventBody,
    answers: { empty: noBody },
    refusals: ['unauthorized', 'idempotency-conflict'],
    async handle({ deps, params: { carrierId }, request }) {
      const event = readSigned(request, deps.settings.sandboxCarrierSecret, carrierEventBody);
      const bodyDigest = sha256(canonicalJson(event));
      const source = `carrier/${carrierId}`;
      const answer = await recordShipmentEvent(deps.app, {
        ...event,
        source,
        carrierId,
        at: new Date(event.at),
        bodyDigest,
      });
      if (answer.kind === 'conflict') throw conflict();
      if (answer.kind === 'unknownTenant') await park(deps, { source, event, bodyDigest });
      // an unknown shipment is kept as attention: telling the carrier so would only make it tell again
      return empty;
    },
  }),
];

interface Stray {
  source: string;
  event: z.output<typeof carrierEventBody>;
  bodyDigest: Buffer;
}

async function park({ platform }: ApiDeps, { source, event, bodyDigest }: Stray): Promise<void> {
  const { eventId, tenant, kind, at } = event;
  const about = event.shipmentId ?? event.waybillNo ?? '';
  const parked = await parkStrayNotice(platform, {
    reason: 'unknownTenant',
    source: `${source}/${tenant}`,
    noticeId: eventId,
    subject: `${source}/${tenant}/${about}`,
    bodyDigest,
    detail: { tenant, about, kind, at },
  });
  if (parked === 'conflict') throw conflict();
}
