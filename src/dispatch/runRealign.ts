import { type Config, ConfigError } from '../config';
import { createDatabase } from '../db/transaction';
import { createLogger } from '../log';
import { type Realignment, realign } from './realign';
import { connectTemporal } from './temporal';

/** Opens what a realignment needs, and closes it. */
export async function runRealign(config: Config): Promise<Realignment> {
  const { databaseUrl, temporalAddress } = config;
  if (databaseUrl === undefined || temporalAddress === undefined) {
    throw new ConfigError('A realignment needs both stores: set DATABASE_URL and TEMPORAL_ADDRESS.');
  }
  const db = createDatabase({ url: databaseUrl, role: 'xianda_dispatch', maxConnections: 1 });
  const temporal = connectTemporal({
    address: temporalAddress,
    namespace: config.temporalNamespace,
    taskQueue: config.temporalTaskQueue,
  });
  try {
    return await realign({ db, temporal, logger: createLogger({ role: 'realign', level: config.logLevel }) });
  } finally {
    await temporal.close();
    await db.close();
  }
}
