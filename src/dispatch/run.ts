import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, ConfigError } from '../config';
import { countWritten, deleteToldMessages } from '../db/dispatch';
import { createDatabase, type Database } from '../db/transaction';
import { createLogger } from '../log';
import { createHeat, type Heat, yieldTo } from './heat';
import { type Round, startLoop } from './loop';
import { createDispatchMonitor } from './monitor';
import { dispatchBatch } from './outbox';
import { createPace } from './pace';
import { createPatience } from './patience';
import { publishAll } from './publisher';
import { createReconciler } from './reconciler';
import { scheduleKinds } from './scheduleKinds';
import { createScheduleKeeper } from './schedules';
import { sealAll } from './sealer';
import { sweep } from './sweeper';
import { connectTemporal } from './temporal';

export interface RunningDispatch {
  /** Where its metrics are, if they have a port of their own. */
  monitorUrl: string | undefined;
  /** Ends after the rounds under way, giving back what they had claimed and not told. */
  close(): Promise<void>;
}

const outboxMs = 100;
const heatMs = 250;
const sweepMs = 500;
const sealMs = 1000;
const publishMs = 500;
const reconcileMs = 30_000;
const schedulesMs = 5000;
const cleanMs = 600_000;
const closeWithinMs = 2000;
const keepToldDays = 7;
const cleanAtOnce = 10_000;
const callsAtOnce = { start: 8, most: 64 };
/** What nobody waits for rests while intake is hot, but not longer. */
const restsMs: Partial<Record<string, number>> = {
  publisher: 5000,
  reconciler: 300_000,
  outboxCleaner: 3_600_000,
};

/**
 * Runs the loops between PostgreSQL and Temporal. Any number of dispatchers may run at once; none of them holds
 * anything that another could not take over. A server that is away is waited for, loop by loop.
 */
export async function runDispatch(config: Config): Promise<RunningDispatch> {
  const logger = createLogger({ role: 'dispatch', level: config.logLevel });
  const url = required(config.databaseUrl, 'DATABASE_URL');
  const db = createDatabase({ url, role: 'xianda_dispatch', maxConnections: 4 });
  const appDb = createDatabase({ url, role: 'xianda_app', maxConnections: 3 });
  const sealerDb = createDatabase({ url, role: 'xianda_sealer', maxConnections: 2 });
  const temporal = connectTemporal({
    address: required(config.temporalAddress, 'TEMPORAL_ADDRESS'),
    namespace: config.temporalNamespace,
    taskQueue: config.temporalTaskQueue,
  });
  const pace = createPace(callsAtOnce);
  const heat = createHeat();
  const patience = createPatience({ heat });
  const reconciler = createReconciler({ db, temporal, logger });
  const schedules = createScheduleKeeper({
    db,
    schedules: temporal.schedules,
    taskQueue: config.temporalTaskQueue,
    kinds: scheduleKinds,
    logger,
  });
  const watch = createDispatchMonitor({
    config,
    pools: [db, appDb, sealerDb],
    pace,
    heat,
    scheduleLateSeconds: () => schedules.lateSeconds(),
  });
  const monitor = await watch.serve();
  const loops = [
    loop('heat', heatMs, () => feel(heat, db)),
    loop('outbox', outboxMs, (stop) => dispatchBatch({ db, temporal, pace, patience, logger, watch, stop })),
    loop('sweeper', sweepMs, () =>
      sweep({ dispatchDb: db, appDb, logger, paymentWindowSeconds: config.paymentWindowSeconds }),
    ),
    loop('sealer', sealMs, (stop) => sealAll(sealerDb, stop)),
    loop('publisher', publishMs, (stop) => publishAll({ dispatchDb: db, appDb }, stop)),
    loop('reconciler', reconcileMs, async () => ((await reconciler.reconcile()) >= 0 ? 'idle' : 'more')),
    loop('schedules', schedulesMs, () => schedules.keep()),
    loop('outboxCleaner', cleanMs, () => cleanOutbox(db)),
  ];

  function loop(name: string, everyMs: number, work: Round) {
    const atMostMs = restsMs[name];
    const round = atMostMs === undefined ? work : yieldTo(heat, { atMostMs, round: work });
    return startLoop({ name, everyMs, round, logger, watch });
  }

  return {
    monitorUrl: monitor.url,
    async close() {
      const closed = Promise.all(loops.map((each) => each.close()));
      // a call that nobody answers is not waited for: its message is told again
      await Promise.race([closed, sleep(closeWithinMs)]);
      await temporal.close();
      await closed;
      await Promise.all([db.close(), appDb.close(), sealerDb.close(), monitor.close()]);
    },
  };
}

async function feel(heat: Heat, db: Database): Promise<'idle'> {
  const askedAt = performance.now();
  const written = await countWritten(db);
  heat.look({ written, answerMs: performance.now() - askedAt });
  return 'idle';
}

async function cleanOutbox(db: Database): Promise<'more' | 'idle'> {
  const deleted = await deleteToldMessages(db, { days: keepToldDays, limit: cleanAtOnce });
  return deleted === cleanAtOnce ? 'more' : 'idle';
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value !== undefined) return value;
  throw new ConfigError(`Dispatch needs ${name}: set it, or start the development stack with \`npm start\`.`);
}
