import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PartnerFault } from '../../src/clients/partnerFault';
import { type PaymentClient, createSandboxPaymentClient } from '../../src/clients/payment/client';
import { sandboxHeaders } from '../../src/clients/signature';
import { runPaymentSandbox } from '../../src/sandbox/payment/server';
import type { RunningSandbox } from '../../src/sandbox/server';
import { type Shop, call, eventually, openShop } from './support/shop';

const secret = 'payment-secret';
const patience = { firstWaitMs: 10, longestWaitMs: 20, attempts: 5 };
let directory: string;
let sandbox: RunningSandbox;
let client: PaymentClient;
let shop: Shop;

const options = () => ({ port: 0, secret, dataFile: join(directory, 'payment.jsonl'), patience });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'payment-sandbox-'));
  shop = await openShop(secret);
  await start();
});

afterEach(async () => {
  await sandbox.close();
  await shop.close();
  await rm(directory, { recursive: true });
});

async function start(): Promise<void> {
  sandbox = await runPaymentSandbox(options());
  client = createSandboxPaymentClient({ baseUrl: sandbox.url, secret, timeoutMs: 2000 });
}

async function restart(): Promise<void> {
  await sandbox.close();
  await start();
}

const order = { tenant: 'acme', orderId: 'o1' };

function charge(more: Record<string, unknown> = {}) {
  const body = { ...order, amountFen: 1000, transactionId: 't1', notifyUrl: `${shop.url}/notify`, ...more };
  return call('POST', `${sandbox.url}/v1/charges`, body);
}

function refund(more: Record<string, unknown> = {}) {
  const body = { ...order, refundId: 'r1', transactionId: 't1', amountFen: 400, transactionAmountFen: 1000 };
  return client.requestRefund({ ...body, reason: 'cancelled', ...more });
}

function ask(body: unknown) {
  return call('POST', `${sandbox.url}/v1/control`, body);
}

async function refundsOf(transactionId: string) {
  return (await client.listRefunds({ transactionId })).items;
}

const quiet = async () => (await call('GET', `${sandbox.url}/healthz`)).body.pendingCallbacks === 0;

describe('a buyer pays', () => {
  test('the shop is told once, signed, in the words of the contract', async () => {
    const paid = await charge();
    expect(paid.status).toBe(201);
    await eventually(quiet);
    expect(shop.received).toHaveLength(1);
    expect(shop.received[0]?.verified).toBe(true);
    expect(shop.received[0]?.body).toEqual({
      notificationId: paid.body.notificationId,
      transactionId: 't1',
      ...order,
      amountFen: 1000,
      paidAt: paid.body.paidAt,
      outcome: 'paid',
    });
  });

  test('the same transaction id is one payment; another body conflicts', async () => {
    const first = await charge();
    const again = await charge();
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(await charge({ amountFen: 1001 })).toMatchObject({
      status: 409,
      body: { code: 'idempotency-conflict' },
    });
    await eventually(quiet);
    expect(shop.received).toHaveLength(1);
  });

  test('an id is drawn where the buyer names none; a declined card is nothing', async () => {
    const body = { transactionId: undefined };
    expect((await charge(body)).body.transactionId).not.toBe((await charge(body)).body.transactionId);
    expect(await charge({ transactionId: 't9', outcome: 'declined' })).toMatchObject({
      status: 409,
      body: { code: 'declined' },
    });
    expect((await client.queryOrder(order)).transactions).toHaveLength(2);
  });

  test('a shop that is down is told again until it takes it', async () => {
    shop.answerWith((nth) => (nth < 3 ? 503 : 204));
    await charge();
    await eventually(quiet);
    expect(shop.received).toHaveLength(4);
    expect(new Set(shop.received.map((each) => each.rawBody)).size).toBe(1);
    expect(shop.received.every((each) => each.verified)).toBe(true);
  });

  test('409 ends the telling, and so does patience', async () => {
    shop.answerWith(() => 409);
    await charge();
    await eventually(quiet);
    expect(shop.received).toHaveLength(1);
    shop.answerWith(() => 500);
    await charge({ transactionId: 't2' });
    await eventually(quiet);
    expect(shop.received).toHaveLength(1 + patience.attempts);
  });

  test('support tells the shop once more, under the same or a new id', async () => {
    const { notificationId } = (await charge()).body;
    await eventually(quiet);
    const url = `${sandbox.url}/v1/transactions/t1/notifications`;
    expect((await call('POST', `${url}?sameId=true`)).body).toEqual({ notificationId });
    const renamed = (await call('POST', url)).body.notificationId;
    expect(renamed).not.toBe(notificationId);
    await eventually(quiet);
    expect(shop.received.map((each) => each.body.notificationId)).toEqual([
      notificationId,
      notificationId,
      renamed,
    ]);
  });
});

describe('orders', () => {
  test('an order nobody paid is open and empty', async () => {
    expect(await client.queryOrder(order)).toEqual({ ...order, closed: false, transactions: [] });
  });

  test('closing tells what was paid, and takes no money afterwards', async () => {
    const { paidAt } = (await charge()).body;
    const closed = await client.closeOrder(order);
    const transaction = { transactionId: 't1', ...order, amountFen: 1000, refundedFen: 0, paidAt };
    expect(closed).toEqual({ ...order, closed: true, transactions: [transaction] });
    expect(await charge({ transactionId: 't2' })).toMatchObject({ status: 409, body: { code: 'closed' } });
    expect((await charge()).status).toBe(200);
    expect((await charge({ transactionId: 't3', tenant: 'other' })).status).toBe(201);
    expect(await client.closeOrder(order)).toEqual(closed);
    await restart();
    expect(await client.queryOrder(order)).toEqual(closed);
  });

  test('one transaction is found by its id', async () => {
    await charge();
    const headers = sandboxHeaders(secret, Math.floor(Date.now() / 1000), '');
    const url = `${sandbox.url}/v1/transactions`;
    expect((await call('GET', `${url}/t1`, undefined, headers)).body).toMatchObject({ amountFen: 1000 });
    expect((await call('GET', `${url}/t2`, undefined, headers)).status).toBe(404);
  });
});

describe('refunds', () => {
  test('the same refund twice is one refund', async () => {
    await charge();
    const first = await refund();
    expect(first).toEqual({ kind: 'succeeded', refundId: 'r1', amountFen: 400 });
    expect(await refund()).toEqual(first);
    expect(await refundsOf('t1')).toHaveLength(1);
    expect((await client.queryOrder(order)).transactions[0]?.refundedFen).toBe(400);
    expect(await client.queryRefund({ refundId: 'r1' })).toEqual(first);
    expect(await client.queryRefund({ refundId: 'r2' })).toEqual({ kind: 'unknown' });
  });

  test('twenty at once are one refund', async () => {
    await charge();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => refund()));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test.each([
    { amountFen: 401 },
    { transactionId: 't2' },
    { orderId: 'o2' },
    { tenant: 'b' },
    { reason: 'x' },
  ])('the same id with another %j conflicts', async (other) => {
    await charge();
    await refund();
    expect(await refund(other)).toEqual({ kind: 'refused', code: 'idempotency-conflict' });
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test('the sum of refunds never exceeds the transaction', async () => {
    await charge();
    await refund({ refundId: 'r1', amountFen: 600 });
    const over = { kind: 'refused', code: 'over-refund' };
    expect(await refund({ refundId: 'r2', amountFen: 401 })).toEqual(over);
    expect(await refund({ refundId: 'r3', amountFen: 400 })).toMatchObject({ kind: 'succeeded' });
    expect(await refund({ refundId: 'r4', amountFen: 1 })).toEqual(over);
  });

  test.each([{ tenant: 'other' }, { orderId: 'o2' }, { transactionAmountFen: 2000 }])(
    'a transaction the books know otherwise, %j, is not refunded',
    async (other) => {
      await charge();
      expect(await refund(other)).toEqual({ kind: 'refused', code: 'transaction-mismatch' });
      expect(await refundsOf('t1')).toHaveLength(0);
    },
  );

  test('money that the sandbox never charged is refunded and remembered', async () => {
    expect(await refund({ amountFen: 700 })).toMatchObject({ kind: 'succeeded' });
    expect(await refund({ refundId: 'r2', amountFen: 301 })).toEqual({
      kind: 'refused',
      code: 'over-refund',
    });
    const transaction = { transactionId: 't1', ...order, amountFen: 1000, refundedFen: 700 };
    expect((await client.queryOrder(order)).transactions).toEqual([transaction]);
    await restart();
    expect((await client.queryOrder(order)).transactions).toEqual([transaction]);
    expect(await refund({ refundId: 'r2', amountFen: 301 })).toEqual({
      kind: 'refused',
      code: 'over-refund',
    });
  });

  test('a refund may take its time', async () => {
    await ask({ route: 'refund', behaviour: 'processing', delayMs: 150, count: 1 });
    expect(await refund()).toMatchObject({ kind: 'processing' });
    expect(await refund()).toMatchObject({ kind: 'processing' });
    await restart();
    await eventually(async () => (await client.queryRefund({ refundId: 'r1' })).kind === 'succeeded');
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test('lists come in pages, by transaction and by tenant', async () => {
    for (const nth of [1, 2, 3]) await refund({ refundId: `r${nth}`, amountFen: nth });
    await refund({ refundId: 'r9', transactionId: 't9', tenant: 'other' });
    const headers = sandboxHeaders(secret, Math.floor(Date.now() / 1000), '');
    const first = await call('GET', `${sandbox.url}/v1/refunds?tenant=acme&limit=2`, undefined, headers);
    expect(first.body).toMatchObject({ items: [{ refundId: 'r1' }, { refundId: 'r2' }], nextCursor: '2' });
    const rest = await client.listRefunds({ tenant: 'acme', cursor: '2' });
    expect(rest).toMatchObject({ items: [{ refundId: 'r3' }], nextCursor: null });
    expect((await call('GET', `${sandbox.url}/v1/refunds?limit=201`, undefined, headers)).status).toBe(400);
  });
});

describe('who may ask', () => {
  const body = JSON.stringify({
    ...order,
    refundId: 'r1',
    transactionId: 't1',
    amountFen: 1,
    transactionAmountFen: 1,
    reason: 'x',
  });
  const now = () => Math.floor(Date.now() / 1000);

  test.each([
    ['no signature', () => ({}), 'missing'],
    ['another secret', () => sandboxHeaders('guess', now(), body), 'mismatch'],
    ['another body', () => sandboxHeaders(secret, now(), `${body} `), 'mismatch'],
    ['an old timestamp', () => sandboxHeaders(secret, now() - 310, body), 'stale'],
    ['a timestamp to come', () => sandboxHeaders(secret, now() + 310, body), 'stale'],
  ])('%s is refused and changes nothing', async (_name, headers, detail) => {
    const response = await call('POST', `${sandbox.url}/v1/refunds`, body, headers());
    expect(response).toMatchObject({ status: 401, body: { code: 'bad-signature', detail } });
    expect(await refundsOf('t1')).toEqual([]);
  });

  test('every route but the buyer’s demands a signature', async () => {
    for (const path of ['/v1/transactions/t1', '/v1/orders/acme/o1', '/v1/refunds/r1', '/v1/refunds']) {
      expect((await call('GET', sandbox.url + path)).status).toBe(401);
    }
    expect((await call('POST', `${sandbox.url}/v1/orders/acme/o1/close`, {})).status).toBe(401);
  });

  test('a client with the wrong secret sees a fault with the status', async () => {
    const stranger = createSandboxPaymentClient({ baseUrl: sandbox.url, secret: 'guess', timeoutMs: 1000 });
    await expect(stranger.queryOrder(order)).rejects.toMatchObject({ status: 401, operation: 'queryOrder' });
  });
});

describe('bad requests', () => {
  test.each([
    ['{', []],
    ['[]', ['']],
    [{ amountFen: 0 }, ['amountFen']],
    [{ amountFen: 1.5 }, ['amountFen']],
    [{ amountFen: 2 ** 53 }, ['amountFen']],
    [{ orderId: 'a b' }, ['orderId']],
    [{ tenant: 'a:b' }, ['tenant']],
    [{ notifyUrl: 'file:///etc/passwd' }, ['notifyUrl']],
    [{ surprise: 1 }, ['']],
  ])('%j is 400 with its path and charges nothing', async (wrong, paths) => {
    const response =
      typeof wrong === 'string'
        ? await call('POST', `${sandbox.url}/v1/charges`, wrong)
        : await charge(wrong);
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(response.body.paths ?? []).toEqual(paths);
    expect((await client.queryOrder(order)).transactions).toEqual([]);
  });

  test('too much is 413, an unknown path 404', async () => {
    expect((await charge({ surprise: 'x'.repeat(300_000) })).status).toBe(413);
    expect((await call('GET', `${sandbox.url}/nowhere`)).status).toBe(404);
  });

  test('a busy port is told in one sentence', async () => {
    const port = Number(new URL(sandbox.url).port);
    const second = runPaymentSandbox({ ...options(), dataFile: join(directory, 'second.jsonl'), port });
    await expect(second).rejects.toThrow(`port ${port} is taken`);
  });
});

describe('misbehaviour on request', () => {
  test('slow: the client gives up, the work is done, the repeat finds it', async () => {
    const hasty = createSandboxPaymentClient({ baseUrl: sandbox.url, secret, timeoutMs: 100 });
    await ask({ route: 'refund', behaviour: 'slow', delayMs: 300, count: 1 });
    const request = { ...order, refundId: 'r1', transactionId: 't1', amountFen: 1, transactionAmountFen: 1 };
    await expect(hasty.requestRefund({ ...request, reason: 'x' })).rejects.toThrow('no answer within 100 ms');
    await eventually(async () => (await refundsOf('t1')).length === 1);
    expect(await hasty.requestRefund({ ...request, reason: 'x' })).toMatchObject({ kind: 'succeeded' });
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test('status500 and status429: nothing is done', async () => {
    await ask({ route: 'refund', behaviour: 'status500', count: 1 });
    await expect(refund()).rejects.toMatchObject({ status: 500 });
    await ask({ route: 'refund', behaviour: 'status429', count: 1, delayMs: 2500 });
    await expect(refund()).rejects.toMatchObject({ status: 429, retryAfterSeconds: 3 });
    expect(await refundsOf('t1')).toEqual([]);
    expect(await refund()).toMatchObject({ kind: 'succeeded' });
  });

  test('dropAnswer: the money has left, and repeating does not send it again', async () => {
    await ask({ route: 'refund', behaviour: 'dropAnswer', count: 2 });
    await expect(refund()).rejects.toBeInstanceOf(PartnerFault);
    await expect(refund()).rejects.toBeInstanceOf(PartnerFault);
    expect(await refundsOf('t1')).toHaveLength(1);
    await restart();
    expect(await refund()).toMatchObject({ kind: 'succeeded' });
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test('garbage: an answer of no use, after the work', async () => {
    await ask({ behaviour: 'garbage', count: 1 });
    const error = await refund().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PartnerFault);
    expect(String(error)).not.toMatch(/张三|13800000000|html/);
    expect(await refundsOf('t1')).toHaveLength(1);
  });

  test('refuse: a refusal that no repeat will change', async () => {
    await ask({ route: 'refund', behaviour: 'refuse', count: 1 });
    expect(await refund()).toEqual({ kind: 'refused', code: 'refused' });
    expect(await refundsOf('t1')).toEqual([]);
  });

  test('every route can fail', async () => {
    const attempts: Record<string, () => Promise<unknown>> = {
      close: () => client.closeOrder(order),
      query: () => client.queryOrder(order),
      refund: () => refund(),
    };
    for (const [route, attempt] of Object.entries(attempts)) {
      await ask({ route, behaviour: 'status500', count: 1 });
      await expect(attempt()).rejects.toMatchObject({ status: 500 });
      await expect(attempt()).resolves.toBeDefined();
    }
    await ask({ route: 'charge', behaviour: 'status500', count: 1 });
    const another = { orderId: 'o2', transactionId: 't2' };
    expect((await charge(another)).status).toBe(500);
    expect((await charge(another)).status).toBe(201);
  });

  test('duplicate: five times the same notification', async () => {
    await ask({ behaviour: 'duplicate' });
    await charge();
    await eventually(() => shop.received.length === 5);
    expect(new Set(shop.received.map((each) => each.rawBody)).size).toBe(1);
  });

  test('shuffle: another order than that of the payments, the same for the same seed', async () => {
    const orders: unknown[][] = [];
    for (const run of ['a', 'b']) {
      await ask({ behaviour: 'shuffle', delayMs: 800, seed: 7 });
      shop.received.length = 0;
      for (let nth = 0; nth < 5; nth += 1) await charge({ transactionId: `${run}${nth}` });
      await eventually(() => shop.received.length === 5);
      orders.push(shop.received.map((each) => String(each.body.transactionId).slice(1)));
    }
    expect(orders[0]).not.toEqual(['0', '1', '2', '3', '4']);
    expect(orders[1]).toEqual(orders[0]);
  });

  test('neverCallBack: the shop hears nothing, and finds the money by asking', async () => {
    await ask({ behaviour: 'neverCallBack' });
    await charge();
    await restart();
    await eventually(quiet);
    expect(shop.received).toEqual([]);
    expect((await client.queryOrder(order)).transactions).toHaveLength(1);
  });

  test('slow and garbage callbacks: nonsense first, the truth late', async () => {
    await ask({ route: 'notify', behaviour: 'garbage', count: 1 });
    await ask({ route: 'notify', behaviour: 'slow', delayMs: 100, count: 1 });
    await charge();
    await eventually(() => shop.received.length === 2);
    expect(shop.received.map((each) => [each.verified, each.body.transactionId])).toEqual([
      [true, undefined],
      [true, 't1'],
    ]);
  });

  test('rules are counted, shown, replaced and cleared', async () => {
    await ask({ route: 'refund', behaviour: 'status500', count: 2 });
    await ask({ route: 'refund', behaviour: 'status500', count: 1 });
    await ask({ behaviour: 'slow', delayMs: 0 });
    const { body } = await call('GET', `${sandbox.url}/v1/control`);
    expect(body.rules).toEqual([
      { route: 'refund', behaviour: 'status500', count: 1 },
      { behaviour: 'slow', delayMs: 0 },
    ]);
    expect((await ask({ route: 'refund', behaviour: 'none' })).body.rules).toHaveLength(1);
    await call('DELETE', `${sandbox.url}/v1/control`);
    expect((await call('GET', `${sandbox.url}/v1/control`)).body.rules).toEqual([]);
    expect(await refund()).toMatchObject({ kind: 'succeeded' });
  });

  test.each([
    { behaviour: 'unheard' },
    { route: 'nowhere', behaviour: 'slow' },
    { route: 'notify', behaviour: 'status500' },
    { route: 'refund', behaviour: 'duplicate' },
    { route: 'charge', behaviour: 'processing' },
    { behaviour: 'slow', delayMs: -1 },
    { behaviour: 'slow', count: 0 },
  ])('%j is no misbehaviour', async (body) => {
    expect((await ask(body)).status).toBe(400);
  });
});
