import { z } from 'zod';
import { pingDatabase } from '../../db/health.read';
import type { ApiDeps } from '../deps';
import { defineRoute, ok, type RawRoute, type Route } from '../http/route';
import { checkTemporal, type Health } from './temporalHealth';

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

const readiness = z.object({ ok: z.boolean(), database: health, temporal: health }).meta({ id: 'Readiness' });

/**
 * 503 only while the database is away: intake needs nothing else, and a Temporal that is down delays workflows
 * without stopping sales. Its state is told all the same.
 */
export const readyRoute: RawRoute = {
  method: 'get',
  path: '/readyz',
  tag,
  summary:
    'Database and Temporal, each with a reason; 503 only while the database is away, since intake needs it alone',
  contentType: 'application/json',
  answer: readiness,
  unavailable: true,
  async handle(deps, _request, response) {
    const [database, temporal] = await Promise.all([
      checkDatabase(deps),
      checkTemporal(deps.settings.temporalAddress),
    ]);
    response.status(database.ok ? 200 : 503);
    if (!database.ok) response.setHeader('Retry-After', '1');
    response.json({ ok: database.ok, database, temporal });
  },
};

const databasePatienceMs = 2000;

async function checkDatabase({ app }: ApiDeps): Promise<Health> {
  const slow = new Promise<Health>((resolve) => {
    setTimeout(resolve, databasePatienceMs, {
      ok: false,
      reason: `no answer in ${databasePatienceMs} ms`,
    }).unref();
  });
  const asked = pingDatabase(app).then(
    (): Health => ({ ok: true, reason: 'answers' }),
    (error: unknown): Health => ({ ok: false, reason: codeOf(error) }),
  );
  return Promise.race([asked, slow]);
}

/** A driver's code, never its message: messages carry addresses and user names. */
function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'does not answer';
}

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
