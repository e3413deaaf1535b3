import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isUnavailable } from '../../src/db/transaction';
import { Overloaded } from '../../src/intake/batcher';
import { errorOfValues, valuesOfError } from '../../src/intake/counterCalls';
import { type RemoteCounter, startCounter } from '../../src/intake/remoteCounter';
import { drawPort } from '../../src/dev/ports';
import { decideMoney, digestOf, givenJourney, type Journey } from '../db/orderJourney';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import { accepted, orderFor } from './support';

const settings = {
  personalDataKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
  paymentWindowSeconds: 1800,
};
let database: TestDatabase;
let shop: Journey;
let counter: RemoteCounter;

beforeAll(async () => {
  database = await createTestDatabase();
  shop = await givenJourney(database);
  counter = startCounter({ url: database.url, ...settings });
});
afterAll(async () => {
  await counter.close();
  await decideMoney(database);
  await expectCoherent(database);
  await database.drop();
});

const place = (request = orderFor()) => counter.intake.place(shop.tenant, request, 'channel:test');

const noticeOf = ({ orderId, totalFen }: { orderId: string; totalFen: number }) => ({
  tenant: shop.tenant,
  provider: 'sandbox',
  notificationId: `n-${orderId}`,
  transactionId: `t-${orderId}`,
  orderId,
  amountFen: totalFen,
  paidAt: new Date(),
  bodyDigest: digestOf(orderId),
});

test('orders are placed, repeated, refused, paid and cancelled in another thread as in this one', async () => {
  const request = orderFor({ buyer: { ref: 'buyer', name: '王小明', phone: '13800000000' } });
  const order = accepted(await place(request));
  expect(order).toMatchObject({ state: 'awaitingPayment', totalFen: 1000 });
  expect(await place(request)).toEqual({ kind: 'repeated', answer: order });
  expect(await place({ ...request, freightFen: 1 })).toEqual({ kind: 'conflict' });
  expect(await place(orderFor({ lines: [{ sku: 'apple', quantity: 1000 }] }))).toMatchObject({
    kind: 'soldOut',
  });
  expect(await counter.till.book(noticeOf(order))).toEqual({ kind: 'booked' });
  expect(await counter.till.book(noticeOf(order))).toEqual({ kind: 'repeated' });
  expect(await counter.till.book({ ...noticeOf(order), bodyDigest: digestOf('other') })).toEqual({
    kind: 'conflict',
  });
  const { orderId } = accepted(await place());
  const cancel = { tenant: shop.tenant, orderId, reason: 'test', actor: 'buyer' };
  expect(await counter.till.cancel(cancel)).toEqual({ outcome: 'done' });
  expect(await counter.till.cancel({ ...cancel, orderId: 'nobody' })).toBeNull();
});

test('what is under way is counted, and every caller gets the answer to its own order', async () => {
  const requests = Array.from({ length: 60 }, () => orderFor());
  const placing = requests.map((request) => place(request));
  expect(counter.placingOf(shop.tenant)).toBe(60);
  const answers = (await Promise.all(placing)).map(accepted);
  expect(counter.placingOf(shop.tenant)).toBe(0);
  const rows = await database.query<{ external_id: string }>(
    'SELECT external_id FROM orders JOIN unnest($1::text[]) WITH ORDINALITY AS a(id, place) ON order_id = id ORDER BY place',
    [answers.map(({ orderId }) => orderId)],
  );
  expect(rows.map((row) => row.external_id)).toEqual(requests.map(({ externalId }) => externalId));
  const { pools, waiting } = await counter.load([shop.tenant, 'nobody']);
  expect(waiting).toEqual([0, 0]);
  expect(pools).toContainEqual(expect.objectContaining({ name: 'intake', waiting: 0 }));
  expect(counter.loopMilliseconds()).toBeGreaterThan(0);
});

test('that the database is away is told as such, and nothing else is', async () => {
  const port = await drawPort();
  const away = startCounter({ ...settings, url: `postgres://nobody@127.0.0.1:${port}/nothing` });
  const error: unknown = await away.intake.place(shop.tenant, orderFor(), 'channel:test').catch((e) => e);
  expect(isUnavailable(error)).toBe(true);
  await away.close();
  const poison: unknown = await place(orderFor({ notes: { buyer: 'nul' }, externalId: 'nul \0' })).catch(
    (e) => e,
  );
  expect(poison).toMatchObject({ name: 'error', code: '22021' });
  expect(isUnavailable(poison)).toBe(false);
  const full = errorOfValues(structuredClone(valuesOfError(new Overloaded(7))));
  expect(full).toBeInstanceOf(Overloaded);
  expect(full).toMatchObject({ retryAfterSeconds: 7 });
});

test('a counter that breaks ends its process: nobody would be served', () => {
  const program = join(__dirname, '..', '..', 'dist', 'intake', 'remoteCounter.js');
  const text = `require(${JSON.stringify(program)}).startCounter({ url: '', personalDataKeys: [], paymentWindowSeconds: 1 });
    setInterval(() => undefined, 1000)`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', text], { encoding: 'utf8', timeout: 20_000 });
  expect(status).toBe(1);
  expect(stderr).toContain('at least one master key is needed');
});
