import type { RequestHandler } from 'express';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Backlogs, OutboxBacklog } from '../../db/health.read';
import type { PoolLoad } from '../../db/transaction';
import type { RemoteCounter } from '../../intake/remoteCounter';
import type { ClockLoad } from '../live/sellableClock';
import { type TurnedAway, turnedAway } from './turnedAway';
import type { TenantLoad } from './places';
import { addCounter, addGauge, addPoolGauges, createRegistry } from '../../metrics';

export interface Metrics {
  registry: Registry;
  /** Times every request by route pattern, method and status. */
  timeRequests: RequestHandler;
  countIntake(outcome: string): void;
  /** A call that was turned away before any work, which is not timed. */
  countRefused(reason: TurnedAway): void;
}

interface Sources {
  ordersInFlight(): TenantLoad[];
  /** Where orders are taken in: another thread, which is asked. */
  counter: Pick<RemoteCounter, 'load'>;
  backlogs(): Promise<Backlogs>;
  databaseAnswers(): Promise<boolean>;
  temporalAnswers(): Promise<boolean>;
  pools: readonly { load(): PoolLoad }[];
  stream: { load(): ClockLoad };
}

/** Prometheus metrics in a registry of their own, so that several servers may live in one process. */
export function createMetrics(sources: Sources): Metrics {
  const registry = createRegistry();
  const requests = new Histogram({
    name: 'xianda_http_request_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const intake = addCounter(registry, {
    name: 'xianda_intake_orders_total',
    help: 'Orders handed in, by what became of them.',
    labelNames: ['outcome'],
  });
  const refused = addCounter(registry, {
    name: 'xianda_refused_total',
    help: 'Calls turned away before any work was done for them, by reason.',
    labelNames: ['reason'],
  });
  // from the first scrape on, so that a rate is seen from the first refusal
  for (const reason of turnedAway) refused.inc({ reason }, 0);
  addBacklogs(registry, sources.backlogs);
  addServers(registry, sources);
  const counter = onceAScrape(() => readCounter(sources));
  addOrderLoads(registry, sources, counter);
  addPoolGauges(registry, async () => [
    ...sources.pools.map((pool) => pool.load()),
    ...(await counter()).pools,
  ]);
  addStream(registry, sources.stream);
  return {
    registry,
    countIntake: (outcome) => intake.inc({ outcome }),
    countRefused: (reason) => refused.inc({ reason }),
    timeRequests(request, response, next) {
      const startedAt = performance.now();
      response.on('close', () => {
        if (response.locals.turnedAway === true) return;
        const route = (response.locals.route as string | undefined) ?? 'none';
        const labels = { method: request.method, route, status: String(response.statusCode) };
        requests.observe(labels, (performance.now() - startedAt) / 1000);
      });
      next();
    },
  };
}

async function readCounter({ ordersInFlight, counter }: Sources) {
  const tenants = ordersInFlight().map(({ tenant }) => tenant);
  const { pools, waiting } = await counter.load(tenants);
  return { pools, waiting: tenants.map((tenant, index) => ({ tenant, orders: waiting[index] ?? 0 })) };
}

const mostTenantsShown = 10;

/** Labels that tenants bring are bounded: those with most are named, the others summed up. */
function addOrderLoads(
  registry: Registry,
  { ordersInFlight }: Sources,
  counter: () => Promise<{ waiting: TenantLoad[] }>,
): void {
  const labelNames = ['tenant'];
  addGauge(registry, {
    name: 'xianda_orders_in_flight',
    help: 'Orders let in and not answered yet, of the ten tenants with most, and of the others together.',
    labelNames,
    read: () => shown(ordersInFlight()),
  });
  addGauge(registry, {
    name: 'xianda_orders_waiting',
    help: 'Requests that wait for their batch, of the ten tenants with most, and of the others together.',
    labelNames,
    read: async () => shown((await counter()).waiting),
  });
}

function shown(loads: TenantLoad[]) {
  const sorted = [...loads].sort((a, b) => b.orders - a.orders);
  const others = sorted.slice(mostTenantsShown).reduce((sum, { orders }) => sum + orders, 0);
  return [
    ...sorted.slice(0, mostTenantsShown).map(({ tenant, orders }) => ({ value: orders, labels: { tenant } })),
    { value: others, labels: { tenant: '' } },
  ];
}

/**
 * What is due and not done, seen from here and not from the process that should do it: a dispatcher that is gone
 * shows nothing of its own.
 */
function addBacklogs(registry: Registry, backlogs: Sources['backlogs']): void {
  const read = onceAScrape(backlogs);
  addOutbox(registry, async () => (await read()).outbox);
  const gauges: [name: string, field: Exclude<keyof Backlogs, 'outbox'>, help: string][] = [
    [
      'xianda_unsealed_seconds',
      'unsealedSeconds',
      'Age of the oldest batch of the journal that is not sealed.',
    ],
    [
      'xianda_due_hold_seconds',
      'dueHoldSeconds',
      'How long the longest-due hold has waited for the sweeper.',
    ],
    ['xianda_attention_overdue', 'overdueAttention', 'Open attention whose deadline has passed.'],
    ['xianda_attention_open', 'openAttention', 'Open attention.'],
    [
      'xianda_webhook_late_seconds',
      'webhookLateSeconds',
      'How long the longest-due webhook attempt has not been made.',
    ],
    [
      'xianda_webhook_endpoints_failing',
      'failingEndpoints',
      'Enabled webhook endpoints that have failed for an hour.',
    ],
  ];
  for (const [name, field, help] of gauges) {
    addGauge(registry, { name, help, read: async () => (await read())[field] });
  }
}

/** `precedence`: urgent (paid orders, money), soon, patient (starts of unpaid orders, which may wait out a burst). */
function addOutbox(registry: Registry, read: () => Promise<OutboxBacklog[]>): void {
  const labelNames = ['precedence'];
  addGauge(registry, {
    name: 'xianda_outbox_backlog_seconds',
    help: 'Age of the oldest message that Temporal has still to be told.',
    labelNames,
    read: async () =>
      (await read()).map(({ precedence, seconds }) => ({ value: seconds, labels: { precedence } })),
  });
  addGauge(registry, {
    name: 'xianda_outbox_backlog_messages',
    help: 'Messages that Temporal has still to be told.',
    labelNames,
    read: async () =>
      (await read()).map(({ precedence, messages }) => ({ value: messages, labels: { precedence } })),
  });
}

function addServers(registry: Registry, { databaseAnswers, temporalAnswers }: Sources): void {
  const asNumber = (ask: () => Promise<boolean>) => async () => Number(await ask());
  addGauge(registry, {
    name: 'xianda_database_up',
    help: '1 while PostgreSQL answers this process.',
    read: asNumber(databaseAnswers),
  });
  addGauge(registry, {
    name: 'xianda_temporal_up',
    help: '1 while Temporal answers this process.',
    read: asNumber(temporalAnswers),
  });
}

function addStream(registry: Registry, stream: Sources['stream']): void {
  addGauge(registry, {
    name: 'xianda_stream_listeners',
    help: 'Open sellable streams.',
    read: () => stream.load().listeners,
  });
  addGauge(registry, {
    name: 'xianda_stream_lag_seconds',
    help: 'Age of what the listeners of the sellable stream know; 0 while there are none.',
    read: () => stream.load().lagSeconds,
  });
  new Counter({
    name: 'xianda_stream_frames_total',
    help: 'Frames sent, and dropped because a newer one of the SKU took their place at a slow listener.',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      const { framesSent, framesDropped } = stream.load();
      this.reset();
      this.inc({ outcome: 'sent' }, framesSent);
      this.inc({ outcome: 'dropped' }, framesDropped);
    },
  });
}

const scrapeMs = 500;

/** Several gauges of one scrape share one answer. */
function onceAScrape<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<Answer>;
  return () => {
    if (performance.now() - askedAt > scrapeMs) {
      askedAt = performance.now();
      answer = ask();
    }
    return answer;
  };
}
