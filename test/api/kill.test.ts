import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxHeaders } from '../../src/clients/signature';
import { drawPort } from '../../src/dev/ports';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenNetwork,
  givenSku,
  givenStock,
  givenTenant,
  intakeOver,
  orderRequest,
} from '../support/fixtures';
import { type RoleChild, startRole } from '../support/roleChild';
import { haltAtCommit, haltAtLock, type Standstill } from '../support/standstill';
import { paymentOf } from './support/sign';

const orderCount = 240;
const lanes = 24;
const secret = 'test-only-secret-of-the-provider';

type Notice = ReturnType<typeof paymentOf>;

let database: TestDatabase;
let tenant: string;
let home: string;
let port: number;
let api: RoleChild | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenStock(database, tenant, { quantity: orderCount });
  home = mkdtempSync(join(tmpdir(), 'xianda-kill-'));
  port = await drawPort();
});
afterAll(async () => {
  await api?.kill();
  await database.drop();
  rmSync(home, { recursive: true, force: true });
});

async function startApi(): Promise<void> {
  api = await startRole('api', {
    DATABASE_URL: database.url,
    PORT: String(port),
    SANDBOX_PAYMENT_SECRET: secret,
    XIANDA_HOME: home,
  });
}

/** Each paid in full by a transaction of its own. */
async function givenNotices(): Promise<Notice[]> {
  const intake = intakeOver(database.as('xianda_app'));
  const answers = await Promise.all(
    Array.from({ length: orderCount }, () => intake.place(tenant, orderRequest(), 'test')),
  );
  return answers.map((answer) => {
    if (answer.kind !== 'accepted') throw new Error(`an order was refused: ${answer.kind}`);
    return paymentOf(tenant, answer.answer);
  });
}

/** False where no answer came. */
async function tell(notice: Notice): Promise<boolean> {
  const body = JSON.stringify(notice);
  const headers = {
    'content-type': 'application/json',
    ...sandboxHeaders(secret, Math.floor(Date.now() / 1000), body),
  };
  const url = `http://127.0.0.1:${port}/v1/payments/sandbox/notifications`;
  const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
  if (answer !== undefined && answer.status !== 204) throw new Error(`answered ${answer.status}`);
  return answer !== undefined;
}

/** Tells all in their order, so many at once, until nobody answers any more. Answers the orders that were acknowledged. */
async function burst(notices: Notice[]): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  let next = 0;
  const lane = async () => {
    for (let notice = notices[next++]; notice && (await tell(notice)); notice = notices[next++])
      acknowledged.add(notice.orderId);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return acknowledged;
}

/** A burst in whose middle the api dies. */
async function burstUntilDeath(notices: Notice[], standstill: Standstill): Promise<Set<string>> {
  await startApi();
  const told = burst(notices);
  await standstill.reached();
  await api?.kill();
  await standstill.letGo();
  return told;
}

async function paidOrders(): Promise<Set<string>> {
  const rows = await database.query<{ order_id: string }>(
    `SELECT order_id FROM orders WHERE tenant = $1 AND state = 'paid' AND paid_fen = total_fen`,
    [tenant],
  );
  return new Set(rows.map((row) => row.order_id));
}

test('SIGKILL in a burst of payments: what was acknowledged is booked, what was not is booked when told again', async () => {
  const notices = await givenNotices();
  const orderAt = (index: number) => notices[index]?.orderId as string;
  const without = (known: Set<string>) => notices.filter(({ orderId }) => !known.has(orderId));

  const first = await burstUntilDeath(notices, await haltAtCommit(database, orderAt(80)));
  const bookedFirst = await paidOrders();
  expect(first.size).toBeGreaterThan(0);
  for (const orderId of first) expect(bookedFirst).toContain(orderId);
  // booked, and nobody was told
  expect(first).not.toContain(orderAt(80));
  expect(bookedFirst).toContain(orderAt(80));

  const second = await burstUntilDeath(without(first), await haltAtLock(database, orderAt(160)));
  const bookedSecond = await paidOrders();
  expect(second).toContain(orderAt(80));
  for (const orderId of second) expect(bookedSecond).toContain(orderId);
  expect(bookedSecond).not.toContain(orderAt(160));

  await startApi();
  // those that were acknowledged too: a provider may tell anything twice
  expect((await burst(notices)).size).toBe(orderCount);
  await api?.kill();
  api = undefined;
  expect((await paidOrders()).size).toBe(orderCount);
  expect(await countOf('payment')).toBe(orderCount);
  expect(await countOf('payment_notification')).toBe(orderCount);
  expect(await countOf('outbox', `AND kind = 'signalOrder'`)).toBe(orderCount);
  await expectCoherent(database);
}, 60_000);

async function countOf(table: string, which = ''): Promise<number> {
  const [row] = await database.query<{ count: string }>(
    `SELECT count(*) FROM ${table} WHERE tenant = $1 ${which}`,
    [tenant],
  );
  return Number(row?.count);
}
