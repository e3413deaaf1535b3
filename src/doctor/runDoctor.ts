import { Client, Connection } from '@temporalio/client';
import { createSandboxCarrierClient } from '../clients/carriers/client';
import { createSandboxPaymentClient } from '../clients/payment/client';
import type { Config } from '../config';
import { createDatabase } from '../db/transaction';
import { checkCoherence, type CoherenceReport, type CoherenceSources } from './checkCoherence';
import { checkSchedules, withCheck } from './checkSchedules';
import { formatReport, toJson } from './report';

export type DoctorConfig = Pick<
  Config,
  | 'databaseUrl'
  | 'temporalAddress'
  | 'temporalNamespace'
  | 'temporalTaskQueue'
  | 'sandboxPaymentUrl'
  | 'sandboxPaymentSecret'
  | 'sandboxCarrierUrl'
  | 'sandboxCarrierSecret'
>;

export interface DoctorOptions {
  /** One JSON object on standard output instead of the table. */
  json: boolean;
  /** Where the report goes; standard output unless told otherwise. */
  write?: (text: string) => void;
}

const partnerTimeoutMs = 10_000;
const temporalTimeoutMs = 5_000;

/**
 * Looks at a live installation and prints what contradicts its promises. 0: coherent · 1: findings · 2: could not
 * look (the database, Temporal or a partner is away although there is something to ask it, or rows are hidden from
 * the checker). Findings win over a partner that could not be asked, hidden rows over findings. A database without
 * tenants is coherent: nothing was promised there.
 */
export async function runDoctor(
  config: DoctorConfig,
  { json, write = (text) => process.stdout.write(text) }: DoctorOptions,
): Promise<0 | 1 | 2> {
  const report = await examine(config);
  write(json ? `${JSON.stringify(toJson(report))}\n` : formatReport(report));
  // what a checker finds that does not see all rows may be nothing but the rows it misses
  if (report.notLooked.some(({ invariant }) => invariant === 0)) return 2;
  if (report.findings.length > 0) return 1;
  return report.notLooked.length > 0 ? 2 : 0;
}

/** One look at everything; what could not be looked at is in the report. */
export async function examine(config: DoctorConfig): Promise<CoherenceReport> {
  if (config.databaseUrl === undefined)
    return blind('no database is known: set DATABASE_URL, or XIANDA_HOME of a running stack');
  const checkerDb = createDatabase({ url: config.databaseUrl, role: 'xianda_checker', maxConnections: 1 });
  const connection = await connectTemporal(config.temporalAddress);
  try {
    const temporal = temporalOf(config, connection);
    const report = await checkCoherence({ checkerDb, temporal, ...partnersOf(config) });
    return withCheck(report, await checkSchedules(checkerDb, temporal));
  } catch (error) {
    return blind(`the database did not answer: ${error instanceof Error ? error.message : 'unknown'}`);
  } finally {
    await checkerDb.close();
    await connection?.close();
  }
}

function blind(reason: string): CoherenceReport {
  return { findings: [], checks: [], notLooked: [{ invariant: 0, reason }] };
}

/** Undefined when Temporal is away: the check says so, and the others are still made. */
async function connectTemporal(address: string | undefined): Promise<Connection | undefined> {
  if (address === undefined) return undefined;
  return Connection.connect({ address, connectTimeout: temporalTimeoutMs }).catch(() => undefined);
}

function temporalOf(config: DoctorConfig, connection: Connection | undefined): CoherenceSources['temporal'] {
  if (!connection) return undefined;
  return {
    client: new Client({ connection, namespace: config.temporalNamespace }),
    taskQueue: config.temporalTaskQueue,
  };
}

function partnersOf(config: DoctorConfig): Pick<CoherenceSources, 'payment' | 'carriers'> {
  const timeoutMs = partnerTimeoutMs;
  const { sandboxPaymentUrl, sandboxPaymentSecret, sandboxCarrierUrl, sandboxCarrierSecret } = config;
  return {
    payment:
      sandboxPaymentUrl === undefined
        ? undefined
        : createSandboxPaymentClient({ baseUrl: sandboxPaymentUrl, secret: sandboxPaymentSecret, timeoutMs }),
    carriers:
      sandboxCarrierUrl === undefined
        ? undefined
        : {
            baseUrl: sandboxCarrierUrl,
            client: createSandboxCarrierClient({
              secret: sandboxCarrierSecret,
              timeoutMs,
              trusts: () => true,
            }),
          },
  };
}
