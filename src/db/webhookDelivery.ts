import {
  afterFailure,
  callableAt,
  type EndpointHealth,
  healthy,
  isBeyondHope,
  isDown,
  nextAttemptAt,
} from '../domain/webhook/retry';
import { raiseAttention } from './attention';
import type { Envelope } from './envelope';
import type { PublishedEvent } from './event.read';
import type { Database, TenantTx } from './transaction';
import { disabledReason } from './webhookEndpoint';
import { openWebhookSecrets } from './webhookSecret';

export interface EndpointKey {
  tenant: string;
  endpointId: string;
}

export type EndpointStanding = 'working' | 'failing' | 'down' | 'disabled' | 'awaitingSecret' | 'removed';

export type DueEvent = Omit<PublishedEvent, 'position'>;

/** How an endpoint does. `nextAt` null: nothing is to be done until somebody says so. */
export interface Standing {
  standing: EndpointStanding;
  /** Since when it fails or is disabled. */
  since: Date | null;
  pending: number;
  nextAt: Date | null;
}

/** What there is to do for an endpoint now. */
export type DueWork =
  | { kind: 'send'; url: string; secrets: string[]; events: DueEvent[] }
  | ({ kind: 'wait' } & Standing);

interface EndpointRow {
  url: string;
  failures: number;
  failingSince: Date | null;
  lastFailedAt: Date | null;
  disabledAt: Date | null;
  removed: boolean;
  now: Date;
}

/** Deliveries that are due, at most `limit`, the longest due first; of an endpoint that is down a single one. */
export async function findDueWork(
  db: Database,
  { tenant, endpointId }: EndpointKey,
  { envelope, limit, timeScale }: { envelope: Envelope; limit: number; timeScale: number },
): Promise<DueWork> {
  return db.inTenant(tenant, async (tx) => {
    const judged = await judge(tx, endpointId, { envelope, timeScale });
    const { endpoint, secrets, silent, health, callable } = judged;
    if (endpoint !== undefined && !silent && callable <= endpoint.now) {
      const events = await readDueEvents(tx, endpointId, isDown(health) ? 1 : limit);
      if (events.length > 0) return { kind: 'send', url: endpoint.url, secrets, events };
    }
    return { kind: 'wait', ...(await standingFrom(tx, endpointId, judged)) };
  });
}

/** How an endpoint does, whether or not there is something to send. */
export async function readStanding(
  db: Database,
  { tenant, endpointId }: EndpointKey,
  rules: { envelope: Envelope; timeScale: number },
): Promise<Standing> {
  return db.inTenant(tenant, async (tx) => standingFrom(tx, endpointId, await judge(tx, endpointId, rules)));
}

interface Judged {
  endpoint: EndpointRow | undefined;
  secrets: string[];
  standing: EndpointStanding;
  /** Whatever is due, nothing is sent. */
  silent: boolean;
  health: EndpointHealth;
  callable: Date;
}

async function judge(
  tx: TenantTx,
  endpointId: string,
  { envelope, timeScale }: { envelope: Envelope; timeScale: number },
): Promise<Judged> {
  const endpoint = await readEndpoint(tx, endpointId);
  const secrets = await openWebhookSecrets(tx, envelope, endpointId);
  const standing = standingOf(endpoint, secrets.length);
  const silent = standing === 'disabled' || standing === 'removed' || standing === 'awaitingSecret';
  const health = healthOf(endpoint);
  return { endpoint, secrets, standing, silent, health, callable: callableAt(health, timeScale) };
}

async function standingFrom(
  tx: TenantTx,
  endpointId: string,
  { endpoint, standing, silent, callable }: Judged,
): Promise<Standing> {
  const { pending, nextAt } = await readPending(tx, endpointId);
  const notBefore = nextAt === null || silent ? null : nextAt > callable ? nextAt : callable;
  const since = standing === 'disabled' ? endpoint?.disabledAt : silent ? null : endpoint?.failingSince;
  return { standing, since: since ?? null, pending, nextAt: notBefore };
}

const endpointColumns = `url, failures, failing_since AS "failingSince", last_failed_at AS "lastFailedAt",
  disabled_at AS "disabledAt", removed_at IS NOT NULL AS removed, clock_timestamp() AS now`;

async function readEndpoint(tx: TenantTx, endpointId: string): Promise<EndpointRow | undefined> {
  const { rows } = await tx.query<EndpointRow>(
    `SELECT ${endpointColumns} FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2`,
    [tx.tenant, endpointId],
  );
  return rows[0];
}

function healthOf(row: EndpointRow | undefined): EndpointHealth {
  if (row === undefined || row.failingSince === null || row.lastFailedAt === null) return healthy;
  return { failures: row.failures, failingSince: row.failingSince, lastFailedAt: row.lastFailedAt };
}

function standingOf(endpoint: EndpointRow | undefined, secrets: number): EndpointStanding {
  if (endpoint === undefined || endpoint.removed) return 'removed';
  if (endpoint.disabledAt !== null) return 'disabled';
  if (secrets === 0) return 'awaitingSecret';
  if (endpoint.failures === 0) return 'working';
  return isDown(healthOf(endpoint)) ? 'down' : 'failing';
}

async function readDueEvents(tx: TenantTx, endpointId: string, limit: number): Promise<DueEvent[]> {
  const { rows } = await tx.query<DueEvent>(
    `SELECT e.event_id AS "eventId", e.type, e.subject, e.at, e.data
       FROM webhook_delivery d JOIN event e ON e.tenant = d.tenant AND e.event_id = d.event_id
      WHERE d.tenant = $1 AND d.endpoint_id = $2 AND d.state = 'pending' AND d.next_attempt_at <= clock_timestamp()
      ORDER BY d.next_attempt_at, d.position LIMIT $3`,
    [tx.tenant, endpointId, limit],
  );
  return rows;
}

async function readPending(
  tx: TenantTx,
  endpointId: string,
): Promise<{ pending: number; nextAt: Date | null }> {
  const { rows } = await tx.query<{ pending: number; nextAt: Date | null }>(
    `SELECT count(*) AS pending, min(next_attempt_at) AS "nextAt" FROM webhook_delivery
      WHERE tenant = $1 AND endpoint_id = $2 AND state = 'pending'`,
    [tx.tenant, endpointId],
  );
  return rows[0] ?? { pending: 0, nextAt: null };
}

export interface AttemptResult {
  eventId: string;
  durationMs: number;
  outcome: 'delivered' | 'gone' | 'failed';
  status?: number;
  /** In our own words. */
  problem?: string;
  retryAfterSeconds?: number;
}

export interface AttemptRules {
  timeScale: number;
  /** Drawn from 0 to 1. */
  jitter: number;
}

/**
 * Writes an attempt down and what follows from it: the delivery's end or next attempt, how the endpoint does, and,
 * after five days of failures or a 410, that it is disabled and shown to people. Locks the endpoint, then the delivery.
 */
export async function recordAttempt(
  db: Database,
  { tenant, endpointId }: EndpointKey,
  { result, rules }: { result: AttemptResult; rules: AttemptRules },
): Promise<void> {
  await db.inTenant(tenant, async (tx) => {
    const { rows } = await tx.query<EndpointRow>(
      `SELECT ${endpointColumns} FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2 FOR NO KEY UPDATE`,
      [tenant, endpointId],
    );
    const [endpoint] = rows;
    if (endpoint === undefined) throw new Error('I16 an attempt of an endpoint that is not there');
    await writeAttempt(tx, { endpointId, result, rules, now: endpoint.now });
    if (result.outcome === 'delivered') return noteSuccess(tx, endpointId, endpoint);
    await noteFailure(tx, { endpointId, endpoint, gone: result.outcome === 'gone', rules });
  });
}

async function writeAttempt(
  tx: TenantTx,
  {
    endpointId,
    result,
    rules,
    now,
  }: { endpointId: string; result: AttemptResult; rules: AttemptRules; now: Date },
): Promise<void> {
  const { rows } = await tx.query<{ tries: number; state: string }>(
    `SELECT tries, state FROM webhook_delivery WHERE tenant = $1 AND endpoint_id = $2 AND event_id = $3 FOR UPDATE`,
    [tx.tenant, endpointId, result.eventId],
  );
  const [delivery] = rows;
  if (delivery === undefined) throw new Error('I16 an attempt of a delivery that is not there');
  const arrived = result.outcome === 'delivered';
  const again = arrived
    ? null
    : nextAttemptAt(
        { ...rules, tries: delivery.tries + 1, retryAfterSeconds: result.retryAfterSeconds },
        { now, timeScale: rules.timeScale },
      );
  // ended meanwhile, by a second sender after a lost heartbeat or by a removed endpoint: the log alone grows
  const open = delivery.state === 'pending';
  const state = !open ? delivery.state : arrived ? 'delivered' : again === null ? 'failed' : 'pending';
  await tx.query(
    `WITH told AS (
       UPDATE webhook_delivery SET attempts = attempts + 1, tries = tries + 1, state = $4, next_attempt_at = $5,
              ended_at = CASE WHEN $4 = 'pending' THEN NULL ELSE coalesce(ended_at, clock_timestamp()) END
        WHERE tenant = $1 AND endpoint_id = $2 AND event_id = $3 RETURNING attempts)
     INSERT INTO webhook_attempt (tenant, endpoint_id, event_id, number, duration_ms, status, problem, next_attempt_at)
     SELECT $1, $2, $3, attempts, $6, $7, $8, $5 FROM told`,
    [
      tx.tenant,
      endpointId,
      result.eventId,
      state,
      state === 'pending' ? again : null,
      result.durationMs,
      result.status ?? null,
      arrived ? null : (result.problem ?? 'failed'),
    ],
  );
}

async function noteSuccess(tx: TenantTx, endpointId: string, endpoint: EndpointRow): Promise<void> {
  if (endpoint.failures === 0) return;
  await tx.query(
    `UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, last_failed_at = NULL
      WHERE tenant = $1 AND endpoint_id = $2`,
    [tx.tenant, endpointId],
  );
}

async function noteFailure(
  tx: TenantTx,
  {
    endpointId,
    endpoint,
    gone,
    rules,
  }: { endpointId: string; endpoint: EndpointRow; gone: boolean; rules: AttemptRules },
): Promise<void> {
  if (endpoint.removed) return;
  const clock = { now: endpoint.now, timeScale: rules.timeScale };
  const health = afterFailure(healthOf(endpoint), clock);
  const because = gone ? 'gone' : isBeyondHope(health, clock) ? 'failing' : null;
  await tx.query(
    `UPDATE webhook_endpoint SET failures = $3, failing_since = $4, last_failed_at = $5,
            disabled_at = coalesce(disabled_at, CASE WHEN $6::text IS NOT NULL THEN clock_timestamp() END),
            disabled_because = coalesce(disabled_because, $6)
      WHERE tenant = $1 AND endpoint_id = $2`,
    [tx.tenant, endpointId, health.failures, health.failingSince, health.lastFailedAt, because],
  );
  if (because === null || endpoint.disabledAt !== null) return;
  await raiseAttention(tx, {
    reason: disabledReason,
    subject: endpointId,
    detail: { because, failingSince: health.failingSince?.toISOString() },
  });
}
