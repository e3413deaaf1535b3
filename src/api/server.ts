import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import compression from 'compression';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { createEnvelope, type MasterKey } from '../db/envelope';
import { readBacklogs } from '../db/health.read';
import { createFactsCache } from '../db/facts';
import { createSellableReader, type KnownVersion, readChangedVersions } from '../db/sellable.read';
import { findStandingKeys } from '../db/tenant';
import { createPersonalData } from '../db/personalData';
import { createDatabase, type Database } from '../db/transaction';
import { usualBatching } from '../intake/intake';
import { type RemoteCounter, startCounter } from '../intake/remoteCounter';
import { createLogger, type Logger } from '../log';
import { type Monitor, serveMonitor } from '../metrics';
import type { ApiDeps, ApiSettings } from './deps';
import { createAuthenticator } from './http/auth';
import { busiestOf } from './http/busiestLoop';
import { createDoor } from './http/door';
import { answerErrors, noSuchPath } from './http/errors';
import { createLimits, type Limits, type LimitSettings } from './http/limits';
import { logRequests } from './http/log';
import { createMetrics } from './http/metrics';
import { createSellableClock, type StreamOwner } from './live/sellableClock';
import { mountRoutes } from './http/mount';
import { createTurnAwayNotes } from './http/turnedAway';
import { buildOpenApi } from './openapi';
import { checkDatabase, explainReadiness, readReadiness } from './plumbing/readiness';
import { checkTemporal } from './plumbing/temporalHealth';
import { rawRoutes, routes } from './routes';
import { createTemporalSchedules } from './schedule/temporalSchedules';

/** What `runApi` needs of the configuration. */
export interface ApiConfig extends ApiSettings {
  port: number;
  databaseUrl?: string;
  paymentWindowSeconds: number;
  waitingListSeconds?: number;
  personalDataKeys: readonly MasterKey[];
  logLevel: string;
  metricsPort?: number;
  stopGraceSeconds: number;
  limits: LimitSettings;
}

/** The express application: reading and answering HTTP, nothing else. Opens and closes nothing. */
export function createApi(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // ids are compared byte by byte, so paths are too
  app.enable('case sensitive routing');
  // queries are read strictly by the routes
  app.set('query parser', false);
  app.use(deps.metrics.timeRequests, logRequests(deps.log));
  app.use(
    helmet({
      // plain HTTP inside a network is usual: TLS ends in front of us
      contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
    }),
  );
  app.use(compression());
  mountRoutes(app, deps, [...routes, ...rawRoutes]);
  app.use(noSuchPath);
  app.use(answerErrors(deps.log));
  return app;
}

export interface RunningApi {
  url: string;
  /** Where its metrics are, if they have a port of their own. */
  monitorUrl: string | undefined;
  /** Says that it is not ready, stops taking requests, answers those under way, and closes the connections. */
  close(): Promise<void>;
}

/** A report of a big show reads for seconds: whoever asks for a third at once waits for one of the first two. */
const reportConnections = 2;
/** Tenants of which the sellable clock reads at once. */
const clockConnections = 2;
const flushMilliseconds = 30_000;
/** Kept of the grace for the last writes and the connections. */
const flushPatienceMs = 1_000;
/** Whoever spreads the load asks `/readyz` every few seconds, and must have heard before nobody listens any more. */
const longestNoticeMs = 5_000;
const keepAliveMs = 65_000;

/** Runs the `api` role: opens its connections and listens. Port 0 takes a free one. */
export async function runApi(
  config: ApiConfig,
  options: { port?: number; log?: Logger } = {},
): Promise<RunningApi> {
  if (config.databaseUrl === undefined) throw new Error('the api needs DATABASE_URL');
  const log = options.log ?? createLogger({ role: 'api', level: config.logLevel });
  const drain = { stopping: false };
  const { deps, close } = openDeps({ config, url: config.databaseUrl, log, stopping: () => drain.stopping });
  const host = config.mode === 'production' ? '0.0.0.0' : '127.0.0.1';
  const door = createDoor(createApi(deps), deps);
  const server = createServer(door.onRequest).on('checkContinue', door.onExpectation);
  // longer than any client of ours keeps a connection, so that no request meets a closing one
  server.keepAliveTimeout = keepAliveMs;
  const monitor = await listenBoth(server, { config, deps, host, port: options.port ?? config.port }).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  const timer = setInterval(() => flushKeys(deps), flushMilliseconds).unref();
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  log.info({ url, monitorUrl: monitor.url }, 'listening');
  return {
    url,
    monitorUrl: monitor.url,
    async close() {
      clearInterval(timer);
      drain.stopping = true;
      const noticeMs = noticeOf(config);
      await sleep(noticeMs);
      // they come back in a second: by then nobody listens here
      deps.sellableClock.close();
      await stop(server, config.stopGraceSeconds * 1000 - noticeMs - flushPatienceMs);
      await monitor.close();
      await deps.authenticator.flush().catch(() => undefined);
      await close();
    },
  };
}

/** Of what the grace allows, time to finish the requests under way comes first. */
function noticeOf({ mode, stopGraceSeconds }: ApiConfig): number {
  return mode === 'production' ? Math.min(longestNoticeMs, stopGraceSeconds * 250) : 0;
}

interface Listening {
  config: ApiConfig;
  deps: ApiDeps;
  host: string;
  port: number;
}

async function listenBoth(server: Server, { config, deps, host, port }: Listening): Promise<Monitor> {
  const monitor = await serveMonitor({
    port: config.metricsPort,
    host,
    registry: deps.metrics.registry,
    readiness: async () => {
      const ready = await readReadiness(deps);
      return { ok: ready.ok, reason: explainReadiness(ready) };
    },
  });
  await listen(server, port, host).catch(async (error: unknown) => {
    await monitor.close();
    throw error;
  });
  return monitor;
}

function flushKeys({ authenticator, log }: ApiDeps): void {
  authenticator.flush().catch((err: unknown) => log.warn({ err }, 'the last use of keys was not noted'));
}

interface Opening {
  config: ApiConfig;
  url: string;
  log: Logger;
  stopping: () => boolean;
}

function openDeps({ config, url, log, stopping }: Opening): { deps: ApiDeps; close: () => Promise<void> } {
  const app = createDatabase({ url, role: 'xianda_app' });
  const reports = createDatabase({
    url,
    role: 'xianda_app',
    maxConnections: reportConnections,
    name: 'reports',
  });
  const platform = createDatabase({ url, role: 'xianda_platform', maxConnections: 4 });
  const checker = createDatabase({ url, role: 'xianda_checker', maxConnections: 1 });
  const clock = openSellableClock({ url, app, platform, log });
  const pools = [app, reports, platform, checker, ...clock.pools];
  const { platformKey, temporalAddress, temporalNamespace } = config;
  const schedules = createTemporalSchedules({
    address: temporalAddress,
    namespace: temporalNamespace ?? 'default',
  });
  const counter = startCounter({
    url,
    personalDataKeys: config.personalDataKeys,
    paymentWindowSeconds: config.paymentWindowSeconds,
    waitingListSeconds: config.waitingListSeconds,
  });
  const limits = limitsOf(config, counter);
  const metrics = createMetrics({
    backlogs: () => readBacklogs(checker),
    databaseAnswers: async () => (await checkDatabase(app)).ok,
    temporalAnswers: async () => (await checkTemporal(temporalAddress)).ok,
    pools,
    counter,
    ordersInFlight: limits.inFlight,
    stream: clock.deps.sellableClock,
  });
  const deps: ApiDeps = {
    app,
    platform,
    checker,
    reports,
    personalData: createPersonalData(config.personalDataKeys),
    envelope: createEnvelope(config.personalDataKeys),
    schedules,
    ...clock.deps,
    log,
    intake: counter.intake,
    till: counter.till,
    settings: settingsOf(config),
    metrics,
    authenticator: createAuthenticator({ platform, platformKey }),
    limits,
    turnAway: createTurnAwayNotes(log, metrics),
    stopping,
    openApi: buildOpenApi,
  };
  return {
    deps,
    async close() {
      await Promise.all([...pools, schedules, counter].map((each) => each.close()));
    },
  };
}

function limitsOf({ limits: settings }: ApiConfig, counter: RemoteCounter): Limits {
  return createLimits({
    settings,
    isQueueFull: (tenant) => counter.placingOf(tenant) >= usualBatching.mostWaiting,
    now: () => performance.now(),
    loopMilliseconds: busiestOf([() => performance.eventLoopUtilization().active, counter.loopMilliseconds]),
  });
}

/** What the routes see of the configuration. */
function settingsOf(config: ApiConfig): ApiSettings {
  const { mode, platformKey, publicUrl } = config;
  const { sandboxPaymentSecret, sandboxCarrierSecret, sandboxCarrierUrl } = config;
  const { temporalAddress, temporalNamespace, temporalUiUrl } = config;
  return {
    mode,
    platformKey,
    publicUrl,
    sandboxPaymentSecret,
    sandboxCarrierSecret,
    sandboxCarrierUrl,
    temporalAddress,
    temporalNamespace,
    temporalUiUrl,
  };
}

interface ClockNeeds {
  url: string;
  app: Database;
  platform: Database;
  log: Logger;
}

/** Connections of the clock's own: what is told must not be late because others wait for one. */
function openSellableClock({ url, app, platform, log }: ClockNeeds): {
  deps: Pick<ApiDeps, 'sellable' | 'sellableClock'>;
  pools: Database[];
} {
  const facts = createFactsCache();
  const versions = createDatabase({ url, role: 'xianda_checker', maxConnections: 1, name: 'clock-versions' });
  const faces = createDatabase({ url, role: 'xianda_app', maxConnections: clockConnections, name: 'clock' });
  const source = {
    readChangedVersions: (known: readonly KnownVersion[]) => readChangedVersions(versions, known),
    readFaces: createSellableReader(faces, facts).readFaces,
    findStandingKeys: (keys: readonly StreamOwner[]) => findStandingKeys(platform, keys),
  };
  return {
    deps: {
      sellable: createSellableReader(app, facts),
      sellableClock: createSellableClock({ source, log }),
    },
    pools: [versions, faces],
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Kept connections that fall idle while we wait are closed too, else their clients would hold us. */
function stop(server: Server, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    const last = setTimeout(() => server.closeAllConnections(), patienceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(last);
      resolve();
    });
    server.closeIdleConnections();
  });
}
