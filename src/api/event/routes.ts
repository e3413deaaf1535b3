import { envelopeOf } from '../../clients/webhook/eventWire';
import { listEvents } from '../../db/event.read';
import { pageAnswer, pageOf } from '../http/page';
import { defineRoute, ok, type Route } from '../http/route';
import { integer } from '../http/schema';
import { eventsAnswer, eventsQuery } from './schema';

export const eventRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/events',
    tag: 'Events',
    summary: 'What happened, oldest first, without gaps; come back with nextCursor',
    access: ['ops', 'channel'],
    query: eventsQuery,
    answers: { ok: eventsAnswer },
    async handle({ deps, tenant, query, principal }) {
      const page = pageOf(query, integer(0));
      const filter = {
        ofChannels: principal.role === 'channel',
        channel: principal.role === 'channel' ? principal.channel : null,
        type: query.type,
      };
      const events = await deps.app.inTenant(tenant, (tx) => listEvents(tx, filter, page));
      const items = events.map((event) => envelopeOf({ ...event, tenant }));
      return ok(pageAnswer({ items, next: events.at(-1)?.position ?? page.after ?? 0 }));
    },
  }),
];
