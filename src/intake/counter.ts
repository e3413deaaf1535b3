import type { MasterKey } from '../db/envelope';
import { createPersonalData } from '../db/personalData';
import { createDatabase, type Database } from '../db/transaction';
import { type Batcher, createBatcher } from './batcher';
import { createIntake, type Intake, usualBatching } from './intake';
import { createTill, type Till } from './till';

export interface CounterSettings {
  /** Of the database. */
  url: string;
  personalDataKeys: readonly MasterKey[];
  paymentWindowSeconds: number;
  waitingListSeconds?: number;
}

/** Where buyers are served: whoever takes goods, pays for them or gives them back stands in one line. */
export interface Counter {
  intake: Intake;
  till: Till;
  batcher: Batcher;
  /** Its own connections. */
  pools: readonly Database[];
  close(): Promise<void>;
}

/**
 * Smaller batches than one thread alone would make: while one is read and answered over HTTP, another is planned and a
 * third written, and whoever waits for a batch of all callers waits for each of these steps in turn.
 */
const batching = { ...usualBatching, mostInBatch: 128 };

/** Cancels of paid orders under way at once; they ask where the goods are, and keep no lane meanwhile. */
const paidCancels = 4;

/** Opens the counter in this thread; it connects when it is first asked for something. */
export function openCounter({ url, personalDataKeys, ...rules }: CounterSettings): Counter {
  // one connection a lane: batches that wait for a hot SKU's lock must not keep others from theirs
  const lanes = createDatabase({
    url,
    role: 'xianda_app',
    maxConnections: batching.lanes,
    name: 'intake',
  });
  const db = createDatabase({ url, role: 'xianda_app', maxConnections: paidCancels, name: 'cancel' });
  const batcher = createBatcher(batching);
  const personalData = createPersonalData(personalDataKeys);
  const pools = [lanes, db];
  return {
    intake: createIntake({ db: lanes, batcher, personalData, ...rules }),
    till: createTill({ batcher, lanes, db }),
    batcher,
    pools,
    async close() {
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
