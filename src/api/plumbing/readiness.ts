import { pingDatabase } from '../../db/health.read';
import type { Database } from '../../db/transaction';
import type { ApiDeps } from '../deps';
import { checkTemporal, type Health } from './temporalHealth';

/** What /readyz says. Not ready while the database is away, or once this process has been told to stop. */
export interface ApiReadiness {
  ok: boolean;
  stopping: boolean;
  database: Health;
  temporal: Health;
}

export async function readReadiness({ app, settings, stopping }: ApiDeps): Promise<ApiReadiness> {
  const [database, temporal] = await Promise.all([
    checkDatabase(app),
    checkTemporal(settings.temporalAddress),
  ]);
  return { ok: database.ok && !stopping(), stopping: stopping(), database, temporal };
}

/** In one sentence, for the health check of a container. */
export function explainReadiness({ stopping, database, temporal }: ApiReadiness): string {
  return stopping ? 'stopping' : `database ${database.reason}, Temporal ${temporal.reason}`;
}

const databasePatienceMs = 2000;

export async function checkDatabase(app: Database): Promise<Health> {
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
