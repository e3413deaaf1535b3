// The naive design's own process: its worker, and the address where its carrier's scans come in. Everything else
// (API, dispatcher, database, partners) is the product's.
import { join } from 'node:path';
import express from 'express';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { createFulfilmentActivities } from '../../src/activities/fulfilment';
import { createOrderActivities } from '../../src/activities/order';
import { createSandboxCarrierClient } from '../../src/clients/carriers/client';
import type { CarrierEvent } from '../../src/clients/carriers/sandboxWire';
import { verifySandbox } from '../../src/clients/signature';
import { type Config, readConfig } from '../../src/config';
import { createPersonalData } from '../../src/db/personalData';
import { recordShipmentEvent } from '../../src/db/shipmentEvent';
import { type Database, createDatabase } from '../../src/db/transaction';
import { reportReady } from '../../src/dev/readiness';
import { type NaiveActivities, type Scan, scanSignalName, shipmentWorkflowId } from './messages';

async function main(): Promise<void> {
  const config = readConfig(process.env, { joinRunning: false });
  const address = config.temporalAddress as string;
  const db = createDatabase({ url: config.databaseUrl as string, role: 'xianda_app', maxConnections: 20 });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: config.temporalNamespace });
  const callbackUrl = await receiveScans(config, client);
  Runtime.install({ shutdownSignals: [] });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    namespace: config.temporalNamespace,
    taskQueue: config.temporalTaskQueue,
    workflowBundle: await bundleWorkflowCode({ workflowsPath: join(__dirname, 'workflows.ts') }),
    activities: createNaiveActivities({ config, db, callbackUrl }),
    // the same room as the product's worker
    maxCachedWorkflows: 700,
    maxConcurrentActivityTaskExecutions: 100,
    shutdownGraceTime: '3 s',
  });
  process.once('SIGTERM', () => worker.shutdown());
  const running = worker.run();
  reportReady();
  await running;
  process.exit();
}

/** Asked for by the product's steps; nothing here waits that long. */
const patience = { overdueGraceSeconds: 3600, partnerRetrySeconds: 900, reviewSeconds: 86_400 };

interface Needs {
  config: Config;
  db: Database;
  callbackUrl: string;
}

/** The product's activities as they are, but for where the carrier sends its scans. */
function createNaiveActivities({ config, db, callbackUrl }: Needs): NaiveActivities {
  const carriers = createSandboxCarrierClient({
    secret: config.sandboxCarrierSecret,
    timeoutMs: 10_000,
    trusts: () => true,
  });
  const activities = {
    ...createOrderActivities({ db, patience }),
    ...createFulfilmentActivities({
      db,
      carriers,
      personalData: createPersonalData(config.personalDataKeys),
      callbackUrl: (carrierId) => `${callbackUrl}/${carrierId}`,
    }),
  };
  return {
    ...activities,
    async recordScan({ tenant, shipmentId, eventId, carrierId, kind, at, temperatureC }) {
      const answer = await recordShipmentEvent(db, {
        tenant,
        source: `carrier/${carrierId}`,
        carrierId,
        eventId,
        shipmentId,
        kind,
        at: new Date(at),
        temperatureC,
        bodyDigest: Buffer.alloc(32, eventId),
      });
      if (answer.kind !== 'recorded' && answer.kind !== 'repeated')
        throw new Error(`a scan was ${answer.kind}`);
    },
  };
}

/** Every scan becomes a signal to its shipment's workflow; answers where carriers send them. */
async function receiveScans({ sandboxCarrierSecret: secret }: Config, client: Client): Promise<string> {
  const app = express();
  app.use(express.raw({ type: () => true }));
  app.post('/:carrierId', async (request, response) => {
    const rawBody = request.body as Buffer;
    const nowSeconds = Math.floor(Date.now() / 1000);
    const checked = verifySandbox({ secret, headers: request.headers, rawBody, nowSeconds });
    if (checked.kind === 'invalid') return void response.status(401).end();
    const event = JSON.parse(rawBody.toString('utf8')) as CarrierEvent;
    const { eventId, kind, at, temperatureC, tenant, shipmentId = '' } = event;
    const scan: Scan = { carrierId: request.params.carrierId, eventId, kind, at, temperatureC };
    try {
      await client.workflow
        .getHandle(shipmentWorkflowId({ tenant, shipmentId }))
        .signal(scanSignalName, scan);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    response.status(204).end();
  });
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
    });
  });
}

void main();
