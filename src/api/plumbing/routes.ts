import { z } from 'zod';
import { defineRoute, ok, type RawRoute, type Route } from '../http/route';
import { readReadiness } from './readiness';

const tag = 'Plumbing';
const health = z.object({ ok: z.boolean(), reason: z.string() });

export const plumbingRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/healthz',
    tag,
    summary: 'The process is up',
    access: 'public',
    answers: { ok: z.object({ ok: z.literal(true) }) },
    handle: () => Promise.resolve(ok({ ok: true })),
  }),
];

const readiness = z
  .object({ ok: z.boolean(), stopping: z.boolean(), database: health, temporal: health })
  .meta({ id: 'Readiness' });

/**
 * 503 while the database is away: intake needs nothing else, and a Temporal that is down delays workflows without
 * stopping sales; its state is told all the same. 503, too, once the process has been told to stop: whoever spreads
 * the load sends the next requests elsewhere while those that come all the same are still answered.
 */
export const readyRoute: RawRoute = {
  method: 'get',
  path: '/readyz',
  tag,
  summary:
    'Database and Temporal, each with a reason; 503 while the database is away (intake needs it alone) or this process stops',
  contentType: 'application/json',
  answer: readiness,
  unavailable: true,
  async handle(deps, _request, response) {
    const ready = await readReadiness(deps);
    response.status(ready.ok ? 200 : 503);
    if (!ready.ok) response.setHeader('Retry-After', '1');
    response.json(ready);
  },
};

export const metricsRoute: RawRoute = {
  method: 'get',
  path: '/metrics',
  tag,
  summary: 'Prometheus metrics',
  contentType: 'text/plain',
  async handle({ metrics }, _request, response) {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  },
};
