import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  /** Times every request by route pattern, method and status. */
  timeRequests: RequestHandler;
  countIntake(outcome: string): void;
}

interface Sources {
  /** Seconds that the oldest untold outbox row has waited; 0 when none waits. */
  outboxBacklogSeconds(): Promise<number>;
}

/** Prometheus metrics in a registry of their own, so that several servers may live in one process. */
export function createMetrics({ outboxBacklogSeconds }: Sources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'xianda_' });
  const requests = new Histogram({
    name: 'xianda_http_request_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const intake = new Counter({
    name: 'xianda_intake_orders_total',
    help: 'Orders handed in, by what became of them.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  new Gauge({
    name: 'xianda_outbox_backlog_seconds',
    help: 'Age of the oldest message that Temporal has still to be told.',
    registers: [registry],
    async collect() {
      // a scrape during a database outage still answers with everything else
      this.set(await outboxBacklogSeconds().catch(() => Number.NaN));
    },
  });
  return {
    registry,
    countIntake: (outcome) => intake.inc({ outcome }),
    timeRequests(request, response, next) {
      const startedAt = performance.now();
      response.once('close', () => {
        const route = (response.locals.route as string | undefined) ?? 'none';
        const labels = { method: request.method, route, status: String(response.statusCode) };
        requests.observe(labels, (performance.now() - startedAt) / 1000);
      });
      next();
    },
  };
}
