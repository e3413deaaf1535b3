import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandboxCarrierClient } from '../../src/clients/carriers/client';
import { createSandboxPaymentClient } from '../../src/clients/payment/client';
import { type SandboxChild, startSandboxChild } from './support/sandboxChild';
import { type Shop, call, eventually, openShop } from './support/shop';

const secret = 'secret';
const patience = { firstWaitMs: 200, longestWaitMs: 500, attempts: 100 };
let directory: string;
let shop: Shop;
let child: SandboxChild | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kill-sandbox-'));
  shop = await openShop(secret);
});

afterEach(async () => {
  await child?.kill();
  child = undefined;
  await shop.close();
  await rm(directory, { recursive: true });
});

test('payment: SIGKILL in a burst loses no acknowledged charge or refund, and tells the shop afterwards', async () => {
  const dataFile = join(directory, 'payment.jsonl');
  const options = { secret, dataFile, patience };
  shop.answerWith(() => 503);
  child = await startSandboxChild('payment', options);
  const before = createSandboxPaymentClient({ baseUrl: child.url, secret, timeoutMs: 5000 });
  const url = child.url;
  const charged: string[] = [];
  const refunded: string[] = [];

  const refund = (nth: number) => ({
    refundId: `r${nth}`,
    transactionId: `t${nth}`,
    tenant: 'acme',
    orderId: `o${nth}`,
    amountFen: 100,
    transactionAmountFen: 1000,
    reason: 'cancelled',
  });
  async function live(nth: number): Promise<void> {
    const { tenant, orderId, transactionId } = refund(nth);
    const notifyUrl = `${shop.url}/notify`;
    const paid = await call('POST', `${url}/v1/charges`, {
      tenant,
      orderId,
      transactionId,
      amountFen: 1000,
      notifyUrl,
    });
    expect(paid.status).toBe(201);
    charged.push(transactionId);
    await before.requestRefund(refund(nth));
    refunded.push(`r${nth}`);
  }

  // Twenty lanes that only the kill ends, so that it always strikes in the middle of work.
  let next = 0;
  async function lane(): Promise<never> {
    for (;;) await live(next++);
  }
  const lanes = Promise.allSettled(Array.from({ length: 20 }, lane));
  await eventually(() => refunded.length >= 60);
  await child.kill();
  const ends = await lanes;
  expect(ends.map((end) => end.status)).toEqual(Array(20).fill('rejected'));
  expect(refunded.length).toBeLessThan(next);
  await appendFile(dataFile, '{"kind":"refunded","refund":{"refundId":"to');

  child = await startSandboxChild('payment', options);
  const after = createSandboxPaymentClient({ baseUrl: child.url, secret, timeoutMs: 5000 });
  for (const transactionId of charged) {
    const orderId = transactionId.replace('t', 'o');
    const { transactions } = await after.queryOrder({ tenant: 'acme', orderId });
    expect(transactions).toMatchObject([{ transactionId, amountFen: 1000 }]);
  }
  for (const refundId of refunded) {
    expect(await after.queryRefund({ refundId })).toEqual({ kind: 'succeeded', refundId, amountFen: 100 });
    await after.requestRefund(refund(Number(refundId.slice(1))));
    const { items } = await after.listRefunds({ transactionId: refundId.replace('r', 't') });
    expect(items).toHaveLength(1);
  }

  shop.received.length = 0;
  shop.answerWith(() => 204);
  const health = `${child.url}/healthz`;
  await eventually(async () => (await call('GET', health)).body.pendingCallbacks === 0);
  const told = new Set(shop.received.map((each) => each.body.transactionId));
  expect(charged.filter((transactionId) => !told.has(transactionId))).toEqual([]);
}, 60_000);

test('carrier: SIGKILL on the road loses no booking and no event', async () => {
  const options = {
    secret,
    patience,
    dataFile: join(directory, 'carrier.jsonl'),
    auto: true,
    stepSeconds: 0.3,
  };
  const client = createSandboxCarrierClient({ secret, timeoutMs: 5000, trusts: () => true });
  shop.answerWith(() => 503);
  child = await startSandboxChild('carrier', options);
  const booked: string[] = [];
  for (let nth = 0; nth < 40; nth += 1) {
    const outcome = await client.book({
      baseUrl: child.url,
      request: {
        bookingId: `s${nth}`,
        tenant: 'acme',
        carrierId: 'cool',
        shipmentId: `s${nth}`,
        zone: 'frozen',
        parcels: [{ parcelId: `s${nth}.1`, weightGrams: 1000 }],
        from: { siteId: 'w1' },
        to: {},
        shipBy: '2026-01-02T18:00:00+08:00',
        deliverBy: '2026-01-03T23:59:59+08:00',
        callbackUrl: `${shop.url}/events`,
      },
    });
    expect(outcome.kind).toBe('booked');
    booked.push(`s${nth}`);
  }
  await eventually(() => shop.received.length >= 20);
  await child.kill();

  shop.received.length = 0;
  shop.answerWith(() => 204);
  child = await startSandboxChild('carrier', options);
  const told = (kind: string) =>
    new Set(shop.received.filter((each) => each.body.kind === kind).map((each) => each.body.shipmentId));
  await eventually(() => told('delivered').size === booked.length, 10_000);
  expect(told('pickedUp').size).toBe(booked.length);
  expect(told('inTransit').size).toBe(booked.length);
  const { items } = await client.listBookings({ baseUrl: child.url, request: { tenant: 'acme' } });
  expect(items.map((each) => each.events.map((event) => event.kind))).toEqual(
    booked.map(() => ['pickedUp', 'inTransit', 'delivered']),
  );
}, 60_000);
