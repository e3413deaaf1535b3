import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { NativeConnection, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import { type ActivitiesNeeds, createActivities } from '../activities/activities';
import type { Patience } from '../activities/order';
import { createSandboxCarrierClient } from '../clients/carriers/client';
import { isConfigured } from '../clients/publicAddress';
import { createSandboxPaymentClient } from '../clients/payment/client';
import { createWebhookSender } from '../clients/webhook/send';
import { type Config, ConfigError } from '../config';
import { createEnvelope } from '../db/envelope';
import { createPersonalData } from '../db/personalData';
import { type Database, createDatabase } from '../db/transaction';
import { type Logger, createLogger } from '../log';
import { loadWorkflowBundle } from './bundle';
import { type EngineMetrics, settleEngineMetrics, watchWorker } from './monitor';
import { toTemporalLogger } from './temporalLogger';

export interface RunningWorker {
  /** Where its metrics are, if they have a port of their own. */
  monitorUrl: string | undefined;
  /** Takes no more tasks, finishes those it has within the grace, and closes the connections. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** The prebuilt bundle, if it is not where the build puts it. */
  bundleFile?: string;
  patience?: Partial<Patience>;
}

const partnerTimeoutMs = 10_000;
const databaseConnections = 20;
/** Short SQL steps, which wait for the database most of their time: more than its connections only queue there. */
const concurrentLocalActivities = 40;
const concurrentActivities = 100;
/** Some 0.35 MB each. One that is pushed out is replayed, in 15 ms or so, when it is told of something. */
const cachedWorkflows = 400;
/** The engine notes where every promise of a workflow was made; ten frames of it cost a fifth of a replay. */
const workflowStackFrames = 4;
const databaseCheckMs = 1000;
const databaseChecks = 3;
const pingTimeoutMs = 5000;
const retryMs = 1000;
/** Kept of the grace: for what is cancelled to be reported, and for the connections. */
const reportSeconds = 2;

/**
 * Runs workflows and activities until closed. Waits, with a line in the log, for whichever of PostgreSQL and
 * Temporal is not there; answers once it polls. While the database is away it does not poll, so that no workflow
 * task is held by steps that cannot succeed; a Temporal server that comes back is joined again.
 */
export async function runWorker(config: Config, options: WorkerOptions = {}): Promise<RunningWorker> {
  const logger = createLogger({ role: 'worker', level: config.logLevel });
  const engine = await settleEngineMetrics(config);
  installRuntime(logger, engine);
  const url = required(config.databaseUrl, 'DATABASE_URL');
  const db = createDatabase({ url, role: 'xianda_app', maxConnections: databaseConnections });
  // a connection of its own: a busy pool must not look like a database that is away
  const pulse = createDatabase({ url, role: 'xianda_app', maxConnections: 1, name: 'pulse' });
  const stop = new AbortController();
  const state = { polling: false };
  const monitor = await watchWorker({ config, engine, polling: () => state.polling, pools: [db, pulse] });
  const bundle = await loadWorkflowBundle(options.bundleFile);
  const activities = createActivities({ ...activitiesNeeds(config, db), patience: options.patience });
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((onPolling) => {
    ended = keepWorking({ config, logger, pulse, bundle, activities, stop: stop.signal, state, onPolling });
  });
  return {
    monitorUrl: monitor.url,
    async close() {
      stop.abort();
      await ended;
      await Promise.all([db.close(), pulse.close(), monitor.close()]);
    },
  };
}

let runtimeInstalled = false;

/** Once a process: the engine's core lives outside of any worker. Signals are the caller's to handle. */
function installRuntime(logger: Logger, engine: EngineMetrics | undefined): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  // for threads to come, so for workflows alone
  setFlagsFromString(`--stack-trace-limit=${workflowStackFrames}`);
  Runtime.install({
    logger: toTemporalLogger(logger),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(engine === undefined ? {} : { metrics: { prometheus: { bindAddress: engine.address } } }),
    },
  });
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value !== undefined) return value;
  throw new ConfigError(`A worker needs ${name}: set it, or start the development stack with \`npm start\`.`);
}

function activitiesNeeds(config: Config, db: Database): ActivitiesNeeds {
  return {
    db,
    payment: createSandboxPaymentClient({
      baseUrl: required(config.sandboxPaymentUrl, 'SANDBOX_PAYMENT_URL'),
      secret: config.sandboxPaymentSecret,
      timeoutMs: partnerTimeoutMs,
    }),
    carriers: createSandboxCarrierClient({
      secret: config.sandboxCarrierSecret,
      timeoutMs: partnerTimeoutMs,
      trusts: (url) => config.mode === 'development' || isConfigured(url, config.sandboxCarrierUrl),
    }),
    personalData: createPersonalData(config.personalDataKeys),
    offerAnswerSeconds: config.offerAnswerSeconds,
    callbackUrl: (carrierId) => `${config.publicUrl}/v1/carriers/${encodeURIComponent(carrierId)}/events`,
    webhooks: createWebhookSender({ loopbackAllowed: config.mode === 'development' }),
    envelope: createEnvelope(config.personalDataKeys),
    webhookTimeScale: config.webhookTimeScale,
  };
}

interface Work {
  config: Config;
  logger: Logger;
  pulse: Database;
  bundle: string;
  activities: object;
  stop: AbortSignal;
  state: { polling: boolean };
  onPolling(): void;
}

async function keepWorking(work: Work): Promise<void> {
  const { logger, stop } = work;
  while (!stop.aborted) {
    try {
      await untilDatabaseAnswers(work);
      await workUntilSomethingIsAway(work);
    } catch (err) {
      if (stop.aborted) return;
      logger.warn({ err }, 'the worker stopped working; it starts again');
      await pause(retryMs, stop);
    }
  }
}

async function workUntilSomethingIsAway(work: Work): Promise<void> {
  const { config, logger, pulse, bundle, activities, stop, state, onPolling } = work;
  const address = required(config.temporalAddress, 'TEMPORAL_ADDRESS');
  const connection = await NativeConnection.connect({ address });
  try {
    const worker = await Worker.create({
      connection,
      namespace: config.temporalNamespace,
      taskQueue: config.temporalTaskQueue,
      workflowBundle: { code: bundle },
      activities,
      maxCachedWorkflows: cachedWorkflows,
      maxConcurrentLocalActivityExecutions: concurrentLocalActivities,
      maxConcurrentActivityTaskExecutions: concurrentActivities,
      ...drainTimes(config.stopGraceSeconds),
    });
    const over = new AbortController();
    const shutDown = () => {
      state.polling = false;
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    stop.addEventListener('abort', shutDown, { once: true });
    const running = worker.run().finally(() => over.abort());
    if (stop.aborted) shutDown();
    state.polling = !stop.aborted;
    logger.info({ address, taskQueue: config.temporalTaskQueue }, 'working');
    onPolling();
    const watching = untilDatabaseIsAway(pulse, AbortSignal.any([stop, over.signal])).then((away) => {
      if (!away) return;
      logger.warn('the database is away: no more work is taken until it is back');
      shutDown();
    });
    await Promise.all([running, watching]).finally(() => stop.removeEventListener('abort', shutDown));
  } finally {
    state.polling = false;
    await connection.close().catch(() => undefined);
  }
}

/**
 * Draining: from the word on no task is taken; activities under way may finish until `shutdownGraceTime`, are then
 * cancelled (their next try is another worker's), and what does not even end then is left behind.
 */
function drainTimes(stopGraceSeconds: number) {
  const graceSeconds = Math.max(1, Math.floor((stopGraceSeconds - reportSeconds) * 0.8));
  return {
    shutdownGraceTime: graceSeconds * 1000,
    shutdownForceTime: Math.max(graceSeconds + 1, stopGraceSeconds - reportSeconds) * 1000,
  };
}

async function untilDatabaseAnswers({ pulse, logger, stop }: Work): Promise<void> {
  for (let told = false; !stop.aborted; told = true) {
    try {
      await ping(pulse);
      return;
    } catch (err) {
      if (!told) logger.warn({ err }, 'waiting for the database');
      await pause(retryMs, stop);
    }
  }
}

/** Answers true once several checks in a row have failed, false when there is nothing more to watch. */
async function untilDatabaseIsAway(pulse: Database, over: AbortSignal): Promise<boolean> {
  for (let failures = 0; failures < databaseChecks; ) {
    await pause(databaseCheckMs, over);
    if (over.aborted) return false;
    failures = await ping(pulse).then(
      () => 0,
      () => failures + 1,
    );
  }
  return true;
}

async function ping(pulse: Database): Promise<void> {
  const answer = pulse.inTransaction((tx) => tx.query('SELECT 1'));
  const late = AbortSignal.timeout(pingTimeoutMs);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('the database does not answer')), { once: true });
  });
  await Promise.race([answer, tooLate]);
}

async function pause(milliseconds: number, until: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: until }).catch(() => undefined);
}
