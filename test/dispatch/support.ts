import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import pino from 'pino';
import { createPace } from '../../src/dispatch/pace';
import { type OutboxNeeds, dispatchBatch } from '../../src/dispatch/outbox';
import { type Temporal, connectTemporal } from '../../src/dispatch/temporal';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { givenNetwork, givenSku, givenStock, givenTenant } from '../support/fixtures';
import { removeSchedules } from '../support/schedules';
import { testTemporal } from '../support/servers';

export const silent = pino({ level: 'silent' });

export interface DispatchStage {
  database: TestDatabase;
  tenant: string;
  taskQueue: string;
  client: Client;
  temporal: Temporal;
  /** One dispatcher of its own. */
  dispatcher(temporal?: Temporal): OutboxNeeds;
  /** Runs batches until nothing is due. */
  drain(needs?: OutboxNeeds): Promise<void>;
  pending(): Promise<number>;
  /** Every lease ends now, as if its dispatcher had died long ago. */
  endLeases(): Promise<void>;
  standing(orderId: string): Promise<string>;
  close(): Promise<void>;
}

let stages = 0;

/** A tenant with stock and no worker: what dispatch does is all that happens. */
export async function openDispatchStage(): Promise<DispatchStage> {
  stages += 1;
  const database = await createTestDatabase();
  const name = `d${process.pid.toString(36)}-${Date.now().toString(36)}-${stages}`;
  const tenant = await givenTenant(database, { tenant: name });
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenStock(database, tenant, { quantity: 1000 });
  const { address, namespace } = testTemporal();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const temporal = connectTemporal({ address, namespace, taskQueue: name });
  const stage: DispatchStage = {
    database,
    tenant,
    taskQueue: name,
    client,
    temporal,
    dispatcher: (other = temporal) => ({
      db: database.as('xianda_dispatch'),
      temporal: other,
      pace: createPace({ start: 8, most: 16 }),
      logger: silent,
    }),
    async drain(needs = stage.dispatcher()) {
      for (let round = 0; round < 20; round += 1) {
        const before = await stage.pending();
        await dispatchBatch(needs);
        if ((await stage.pending()) === before) return;
      }
    },
    async pending() {
      const [row] = await database.query<{ count: string }>(
        'SELECT count(*) FROM outbox WHERE done_at IS NULL',
      );
      return Number(row?.count);
    },
    async endLeases() {
      await database.query('UPDATE outbox SET due_at = clock_timestamp() WHERE done_at IS NULL');
    },
    standing: (orderId) => temporal.look(`order:${tenant}/${orderId}`),
    async close() {
      const query = `TaskQueue = '${name}' AND ExecutionStatus = 'Running'`;
      for await (const { workflowId } of client.workflow.list({ query })) {
        await client.workflow
          .getHandle(workflowId)
          .terminate('the test is over')
          .catch(() => undefined);
      }
      await removeSchedules(client, name);
      await temporal.close();
      await connection.close();
      await database.drop();
    },
  };
  return stage;
}

export interface Door {
  address: string;
  /** Cuts what goes through and refuses what comes. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** A way to a server that can be shut, as if the server had gone. */
export async function openDoor(target: string): Promise<Door> {
  const [host, port] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let own = 0;
  const door: Door = {
    address: '',
    async open() {
      server = createServer((incoming) => {
        const outgoing = connect(Number(port), host);
        for (const socket of [incoming, outgoing]) {
          sockets.add(socket);
          socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
        }
        incoming.pipe(outgoing).pipe(incoming);
      });
      await new Promise<void>((resolve) => server?.listen(own, '127.0.0.1', resolve));
      own = (server.address() as AddressInfo).port;
      door.address = `127.0.0.1:${own}`;
    },
    async shut() {
      const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  await door.open();
  return door;
}
