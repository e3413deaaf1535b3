import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { Client } from 'pg';
import type { LimitSettings } from '../../src/api/http/limits';
import { createLogger } from '../../src/log';
import { expectCoherent } from '../support/expectCoherent';
import { type ApiUnderTest, startApi, type TenantKeys, usualLimits } from './support/apiUnderTest';
import * as goods from './support/goods';
import { paymentOf, tellPayment } from './support/sign';

let api: ApiUnderTest;
let shop: TenantKeys;
let other: TenantKeys;

async function start(limits: Partial<LimitSettings>, log?: ReturnType<typeof createLogger>): Promise<void> {
  api = await startApi({ limits: { ...usualLimits, ...limits } }, log);
  shop = await api.tenant('shop');
  other = await api.tenant('other');
  await goods.givenShop(api, shop);
  await goods.givenShop(api, other);
  await api.send('PUT', '/v1/skus/cherries', { key: shop.ops, body: goods.sku });
  const [lot] = goods.receipt().lots;
  const body = goods.receipt({ reference: 'cherries', lots: [{ ...lot, sku: 'cherries', lotId: 'c' }] });
  await api.send('POST', '/v1/stock/receipts', { key: shop.ops, body });
}

afterEach(async () => {
  await expectCoherent(api.database);
  await api.close();
});

let orders = 0;
function place({ channel }: TenantKeys, changes: object = {}) {
  orders += 1;
  return api.send('POST', '/v1/orders', {
    key: channel,
    body: goods.order({ externalId: `order-${orders}`, ...changes }),
  });
}

/** Keeps what a statement locks until it is let go, as a long transaction would. */
async function lock(statement: string): Promise<{ letGo(): Promise<void> }> {
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  await client.query(`BEGIN; ${statement}`);
  return {
    async letGo() {
      await client.query('COMMIT');
      await client.end();
    },
  };
}

const lockStock = (tenant: string, sku: string) =>
  lock(`SELECT 1 FROM stock_pool WHERE tenant = '${tenant}' AND sku = '${sku}' FOR UPDATE`);

/** Waits until so many of the API's transactions hang on a lock. */
async function untilHanging(count: number): Promise<void> {
  for (;;) {
    const rows = await api.database.query<{ hanging: number }>(
      `SELECT count(*)::int AS hanging FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.hanging ?? 0) >= count) return;
  }
}

/** Waits until the API shows so many orders of the shop under way. */
async function untilInFlight(count: number): Promise<void> {
  for (;;) {
    const { text } = await api.send('GET', '/metrics');
    if (Number(/xianda_orders_in_flight\{tenant="shop"\} (\d+)/.exec(text)?.[1] ?? 0) === count) return;
  }
}

const overloaded = { status: 503, slug: 'overloaded' };
const tooMany = { status: 429, slug: 'too-many-requests' };

/** A connection on which requests are written byte by byte. */
async function openConnection(): Promise<{ socket: Socket; read(until: RegExp): Promise<string> }> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  let heard = () => undefined as void;
  socket.on('data', (chunk) => {
    text += chunk.toString();
    heard();
  });
  socket.on('close', () => heard());
  return {
    socket,
    async read(until) {
      while (!until.test(text)) {
        if (socket.destroyed) throw new Error(`closed after ${JSON.stringify(text)}`);
        await new Promise<void>((resolve) => (heard = resolve));
      }
      return text;
    },
  };
}

function head(key: string, length: number, more = ''): string {
  return (
    `POST /v1/orders HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`
  );
}

describe('when the process is full of orders', () => {
  beforeEach(() => start({ ordersInFlight: 2 }));

  /** Two orders of the shop that hang on a lock, in all the places there are. */
  async function givenFull() {
    const stock = await lockStock('shop', 'strawberries');
    const hanging = [place(shop), place(shop)];
    await untilHanging(1);
    return {
      async end() {
        await stock.letGo();
        expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([201, 201]);
      },
    };
  }

  test('the next one is 503 with Retry-After, before its body has even come', async () => {
    const full = await givenFull();
    const { socket, read } = await openConnection();
    socket.write(head(shop.channel, 500));
    const answer = await read(/\}$/);
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/);
    expect(answer).toMatch(/problem:overloaded/);
    socket.destroy();
    await full.end();
  });

  test('and without the database, which cannot even be asked whose key it is', async () => {
    const full = await givenFull();
    // longer than a key is remembered without asking again
    const keys = await lock('LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE');
    for (let n = 0; n < 20; n += 1) expect(await place(shop)).toMatchObject(overloaded);
    await keys.letGo();
    await full.end();
  });

  test('money, cancels and reading go on', async () => {
    const paid = (await place(shop, { lines: [{ sku: 'cherries', quantity: 1 }] })).json;
    const cancelled = (await place(shop, { lines: [{ sku: 'cherries', quantity: 1 }] })).json;
    // places taken by callers whose bodies are on their way: the lanes of the batches are free
    const callers = await Promise.all([openConnection(), openConnection()]);
    for (const { socket } of callers) socket.write(head(shop.channel, 500));
    await untilInFlight(2);
    expect(await place(shop)).toMatchObject(overloaded);
    expect(await tellPayment(api, { body: paymentOf('shop', paid) })).toMatchObject({ status: 204 });
    const cancel = await api.send('POST', `/v1/orders/${cancelled.orderId}/cancel`, {
      key: shop.channel,
      body: { reason: 'changed my mind' },
    });
    expect(cancel).toMatchObject({ status: 200, json: { outcome: 'done' } });
    const read = await api.send('GET', `/v1/orders/${paid.orderId}`, { key: shop.channel });
    expect(read).toMatchObject({ status: 200, json: { state: 'paid' } });
    for (const { socket } of callers) socket.destroy();
  });

  test('a refused order left nothing behind: sent again it is accepted', async () => {
    const full = await givenFull();
    const before = await api.countRows();
    const body = goods.order({ externalId: 'patient' });
    const send = () => api.send('POST', '/v1/orders', { key: shop.channel, body });
    expect(await send()).toMatchObject(overloaded);
    expect(await api.countRows()).toEqual(before);
    await full.end();
    expect(await send()).toMatchObject({ status: 201 });
  });

  test('the connection goes on with the next request, which may have been sent already', async () => {
    const full = await givenFull();
    const { socket, read } = await openConnection();
    const body = JSON.stringify(goods.order());
    const whole = head(shop.channel, Buffer.byteLength(body)) + body;
    socket.write(`${whole}${whole}GET /healthz HTTP/1.1\r\nHost: api\r\n\r\n`);
    const answers = await read(/\{"ok":true\}$/);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 503', 'HTTP/1.1 200']);
    socket.destroy();
    await full.end();
  });

  test('only for a body too long to read over it is closed', async () => {
    const full = await givenFull();
    const { socket, read } = await openConnection();
    socket.write(head(shop.channel, 10_000_000));
    expect(await read(/\}$/)).toMatch(/\r\nConnection: close\r\n/);
    await new Promise((resolve) => socket.once('close', resolve));
    await full.end();
  });

  test('who asks whether to send the body is told no, and yes when there is room', async () => {
    const full = await givenFull();
    const asking = await openConnection();
    const body = JSON.stringify(goods.order({ externalId: 'asking' }));
    const question = head(shop.channel, Buffer.byteLength(body), 'Expect: 100-continue\r\n');
    asking.socket.write(question);
    expect(await asking.read(/\}$/)).toMatch(/^HTTP\/1\.1 503 /);
    await full.end();
    const again = await openConnection();
    again.socket.write(question);
    await again.read(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    again.socket.write(body);
    await again.read(/HTTP\/1\.1 201 /);
    for (const { socket } of [asking, again]) socket.destroy();
  });

  test('callers who hang up before their body is there give back their places', async () => {
    const callers = await Promise.all([openConnection(), openConnection()]);
    for (const { socket } of callers) socket.write(head(shop.channel, 500));
    await untilInFlight(2);
    expect(await place(shop)).toMatchObject(overloaded);
    for (const { socket } of callers) socket.destroy();
    await untilInFlight(0);
    expect(await place(shop)).toMatchObject({ status: 201 });
  });
});

test('a tenant that fills its half of the places leaves the others to another', async () => {
  await start({ ordersInFlight: 6 });
  await place(other);
  const stock = await lockStock('shop', 'strawberries');
  const hanging = [place(shop), place(shop), place(shop)];
  await untilHanging(1);
  expect(await place(other)).toMatchObject({ status: 201 });
  expect(await place(shop)).toMatchObject(overloaded);
  expect(await place(other)).toMatchObject({ status: 201 });
  await stock.letGo();
  expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([201, 201, 201]);
});

describe('rates', () => {
  test('a key that orders faster than its rate is 429; the tenant’s other key goes on, until the tenant has spent its own', async () => {
    await start({ keyOrdersPerSecond: 1, tenantOrdersPerSecond: 2 });
    const second = { ...shop, channel: (await api.newKey('shop', { role: 'channel' })).key };
    const statuses = async (keys: TenantKeys) => {
      const answers = await Promise.all(Array.from({ length: 25 }, () => place(keys)));
      const refused = answers.filter(({ status }) => status !== 201);
      for (const answer of refused) {
        expect(answer).toMatchObject(tooMany);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      return answers.length - refused.length;
    };
    expect(await statuses(shop)).toBeGreaterThanOrEqual(10);
    expect(await statuses(shop)).toBeLessThanOrEqual(2);
    expect(await statuses(second)).toBeGreaterThanOrEqual(9);
    expect(await statuses(second)).toBeLessThanOrEqual(4);
    expect(await statuses(other)).toBeGreaterThanOrEqual(10);
  });

  test('reading has its own rate; orders, callbacks and what watches the process are not limited by it', async () => {
    await start({ keyCallsPerSecond: 5, tenantCallsPerSecond: 0 });
    const read = () => api.send('GET', '/v1/sellable?sku=strawberries', { key: shop.host });
    const answers = await Promise.all(Array.from({ length: 80 }, read));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(50);
    expect(answers.at(-1)).toMatchObject(tooMany);
    expect(await place(shop)).toMatchObject({ status: 201 });
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect(await api.send('GET', path)).toMatchObject({ status: 200 });
    }
  });

  test('a key without the right to do it is limited all the same', async () => {
    await start({ keyOrdersPerSecond: 1 });
    const answers = await Promise.all(
      Array.from({ length: 15 }, () => place({ ...shop, channel: shop.host })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403, 429]));
  });

  test('0 is no limit', async () => {
    await start({ keyOrdersPerSecond: 0, tenantOrdersPerSecond: 0, ordersInFlight: 0, sharedBusyPercent: 0 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => place(shop)));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  });
});

describe('what is turned away', () => {
  test('is counted by reason, not timed, and told in sums', async () => {
    const lines: string[] = [];
    const into = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    await start({ keyOrdersPerSecond: 1 }, createLogger({ role: 'api', level: 'info', destination: into }));
    await Promise.all(Array.from({ length: 30 }, () => place(shop)));
    const { text } = await api.send('GET', '/metrics');
    const refused = Number(/xianda_refused_total\{reason="keyRate"\} (\d+)/.exec(text)?.[1]);
    expect(refused).toBeGreaterThanOrEqual(15);
    expect(text).not.toMatch(/route="\/v1\/orders",status="429"/);
    expect(text).toMatch(/xianda_refused_total\{reason="fairShare"\} 0/);
    while (!lines.some((line) => line.includes('turned away'))) await new Promise(setImmediate);
    const told = lines.filter((line) => line.includes('429') || line.includes('turned away'));
    expect(told.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'turned away', reason: 'keyRate', tenant: 'shop', calls: refused },
    ]);
  });

  test('orders under way are shown by tenant', async () => {
    await start({});
    const stock = await lockStock('shop', 'strawberries');
    const hanging = [place(shop), place(shop), place(shop)];
    await untilInFlight(3);
    await stock.letGo();
    await Promise.all(hanging);
    await untilInFlight(0);
  });
});

describe('keys that nobody has', () => {
  test('a flood of them is turned away without a look-up each, and those with good keys are let in', async () => {
    await start({});
    await place(shop);
    const keys = await lock('LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE');
    const strangers = Array.from({ length: 300 }, (_, n) =>
      api.send('GET', '/v1/orders', { key: `invented-${n}` }),
    );
    // two are looked up, 64 wait for their turn, and the others are told so at once
    const crowded = { count: 0 };
    for (const stranger of strangers)
      void stranger.then(({ status }) => (crowded.count += Number(status === 503)));
    while (crowded.count < 234) await new Promise(setImmediate);
    await untilHanging(2);
    const known = place(shop);
    await keys.letGo();
    expect(await known).toMatchObject({ status: 201 });
    const answers = await Promise.all(strangers);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(66);
    expect(answers.find(({ status }) => status === 503)).toMatchObject(overloaded);
  });

  test('one that was not found is 401 again without being looked up, for a moment', async () => {
    await start({});
    const send = () => api.send('GET', '/v1/orders', { key: 'nobody' });
    expect(await send()).toMatchObject({ status: 401 });
    const keys = await lock('LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE');
    const again = await send();
    expect(again).toMatchObject({ status: 401, slug: 'unauthorized' });
    expect(again.headers['www-authenticate']).toBe('Bearer');
    await keys.letGo();
  });
});
