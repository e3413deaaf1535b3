import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { temporal } from '@temporalio/proto';
import { cancelOrder } from '../../src/db/cancel';
import { expectCoherent } from '../support/expectCoherent';
import {
  givenCampaign,
  givenCommunity,
  givenOrder,
  givenPaidOrder,
  givenPayment,
  givenSku,
  givenStock,
} from '../support/fixtures';
import type { OrderWorkflowInput } from '../../src/workflows/order/messages';
import { type Stage, eventually, openStage } from './support/stage';

/**
 * Orders in every state that operations look for, on the real server: each query of docs/operations.md finds exactly
 * its own, and each page says what is awaited.
 */
let stage: Stage;
const orders: Record<string, string> = {};

beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker();
  await stage.startDispatch();
  await makeWorld();
});
afterAll(async () => {
  await stage.database.query('GRANT INSERT ON shipment TO xianda_app');
  await stage.close();
});

async function makeWorld(): Promise<void> {
  const { database, tenant } = stage;
  await givenCommunity(database, tenant, { communityId: 'hills', region: 'west' });
  await givenSku(database, tenant, { sku: 'pear' });
  await givenStock(database, tenant, { sku: 'pear', siteId: 'forward' });
  await givenCampaign(database, tenant, { quotas: { east: 10, west: 10 } });

  const paid = async (name: string, given: Parameters<typeof givenPaidOrder>[2]) => {
    const { orderId } = await givenPaidOrder(database, tenant, given);
    orders[name] = orderId;
    return orderId;
  };
  orders.unpaid = (await givenOrder(database, tenant)).orderId;
  await allBooked(await paid('ofShow', { lines: { apple: 1 }, liveSessionId: 'show' }));
  orders.unpaidOfShow = (await givenOrder(database, tenant, { liveSessionId: 'show' })).orderId;
  await allBooked(await paid('ofTwoSites', { lines: { pear: 1, fish: 1 } }));
  const early = [{ sku: 'apple', quantity: 1, supply: 'presale' as const, campaignId: 'early' }];
  await staged(await paid('presaleEast', { lines: early }), 'waitingForGoods');
  await staged(
    await paid('presaleWest', { lines: early, buyer: { communityId: 'hills' } }),
    'waitingForGoods',
  );
  const mixed = [...early, { sku: 'milk', quantity: 1 }];
  await allBooked(await paid('mixedEast', { lines: mixed }));

  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'refuse', count: 1 });
  await parked(await paid('unbooked', { lines: { milk: 1 } }), 'bookingFailed');

  const late = await paid('late', { lines: { milk: 1 } });
  await allBooked(late);
  await database.query(
    `UPDATE shipment SET deliver_by = clock_timestamp() - interval '2 hours' WHERE order_id = $1`,
    [late],
  );
  await stage.client.workflow.getHandle(idOf(late)).signal('resumed');
  await parked(late, 'overdue');

  const unpaidBroken = await givenOrder(database, tenant);
  orders.broken = unpaidBroken.orderId;
  await eventually(() => stage.isRunning(idOf(orders.broken as string)).catch(() => false));
  await stage.client.workflow.getHandle(idOf(orders.broken)).signal('paid');
  await parked(orders.broken, 'brokenInvariant');

  const cancelled = await paid('stillBooked', { lines: { milk: 1 } });
  await allBooked(cancelled);
  await stage.misbehave(stage.carrier, { route: 'cancel', behaviour: 'refuse', count: 1 });
  await stage.misbehave(stage.payment, { route: 'refund', behaviour: 'refuse', count: 1 });
  await cancelOrder(database.as('xianda_app'), { tenant, orderId: cancelled, reason: 'x', actor: 'test' });
  await parked(cancelled, 'unbookingFailed', 'refundFailed');

  const pathless = await givenOrder(database, tenant, { lines: { fish: 1 } });
  orders.pathless = pathless.orderId;
  await database.query(`UPDATE carrier SET zones = '{ambient}' WHERE tenant = $1`, [tenant]);
  await givenPayment(database, tenant, { orderId: pathless.orderId, amountFen: pathless.totalFen });
  await parked(pathless.orderId, 'noRoute');
  await database.query(`UPDATE carrier SET zones = '{ambient,chilled,frozen,special}' WHERE tenant = $1`, [
    tenant,
  ]);

  const delivered = await paid('delivered', { lines: { milk: 1 }, liveSessionId: 'show' });
  await allBooked(delivered);
  await stage.deliver(delivered);
  await stage.outcome(delivered);

  // the last, for from here on nothing can be planned
  const unplanned = await givenOrder(database, tenant, { lines: { milk: 1 } });
  orders.unplanned = unplanned.orderId;
  await eventually(() => stage.isRunning(idOf(unplanned.orderId)).catch(() => false));
  await expectCoherent(database);
  await database.query('REVOKE INSERT ON shipment FROM xianda_app');
  await givenPayment(database, tenant, { orderId: unplanned.orderId, amountFen: unplanned.totalFen });
  await staged(unplanned.orderId, 'paid');
}

const idOf = (orderId: string) => `order:${stage.tenant}/${orderId}`;

const allBooked = (orderId: string) =>
  eventually(async () => {
    const shipments = await stage.shipments(orderId);
    const told = await columnsOf(idOf(orderId));
    return (
      shipments.length > 0 &&
      shipments.every(({ state }) => state === 'booked') &&
      String(told.OrderStage) === 'fulfilling'
    );
  });

/** Empty while it is not started. */
const columnsOf = (workflowId: string): Promise<Record<string, unknown>> =>
  stage.client.workflow
    .getHandle(workflowId)
    .describe()
    .then(
      ({ searchAttributes }) => searchAttributes,
      () => ({}),
    );

const staged = (orderId: string, column: string) =>
  eventually(async () => String((await columnsOf(idOf(orderId))).OrderStage) === column);

const parked = (orderId: string, ...reasons: string[]) =>
  eventually(async () => {
    const attention = await stage.attention(orderId);
    return reasons.every((reason) => attention.includes(reason));
  });

/** The table of the page: what is looked for, and the query. */
function readQueries(): Map<string, string> {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');
  const section = page.split('### Saved queries')[1]?.split('\n#')[0] ?? '';
  const rows = section.matchAll(/^\| ([^|]+) \| `([^`]+)` \|/gm);
  return new Map(Array.from(rows, ([, name = '', query = '']) => [name, query]));
}

/** The page names the demo's ids; the test has its own. */
function ofThisStage(query: string): string {
  return query
    .replace('"demo"', `"${stage.tenant}"`)
    .replace('"show-20261124-201500"', '"show"')
    .replace('"jiading-central"', '"forward"')
    .replace('"shanghai"', '"east"');
}

async function find(query: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of stage.client.workflow.list({ query })) found.push(workflowId);
  return found.sort();
}

const expected: Record<string, string[]> = {
  unpaid: ['unpaid', 'unpaidOfShow'],
  'paid but unplanned': ['pathless', 'unplanned'],
  late: ['late'],
  stuck: ['unbooked', 'late', 'broken', 'stillBooked', 'pathless', 'refund'],
  'this live session': ['ofShow', 'unpaidOfShow', 'delivered'],
  'this site': ['ofTwoSites'],
  "this region's presale": ['presaleEast', 'mixedEast'],
};

test('every query on the page is one that is tried here', () => {
  expect([...readQueries().keys()]).toEqual(Object.keys(expected));
});

test.each(Object.entries(expected))('the query for %s finds exactly its workflows', async (name, names) => {
  const [refund] = await stage.database.query<{ refund_id: string }>('SELECT refund_id FROM refund');
  const wanted = names.map((each) =>
    each === 'refund' ? `refund:${stage.tenant}/${refund?.refund_id}` : idOf(orders[each] as string),
  );
  const query = ofThisStage(readQueries().get(name) as string);
  let found: string[] = [];
  await eventually(async () => {
    found = await find(query);
    return found.join() === wanted.sort().join();
  }).catch(() => undefined);
  const nameOf = (id: string) =>
    Object.keys(orders).find((each) => idOf(orders[each] as string) === id) ?? id;
  expect(found.map(nameOf).sort()).toEqual(wanted.map(nameOf).sort());
});

async function detailsOf(workflowId: string): Promise<string> {
  const handle = stage.client.workflow.getHandle(workflowId);
  const metadata = await handle.query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

const shanghaiTime = (at: Date) =>
  new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');

const clock = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;

test.each([
  ['unpaid', '### 待支付', '买家付款', true],
  ['ofShow', '### 履约中', '送达：常温，自 `central`', true],
  ['presaleEast', '### 等预售到货', '预售商品到货', true],
  ['unbooked', '### 待人工：订舱失败', '.1`', true],
  ['late', '### 待人工：逾期未达', '运营处理', true],
  ['broken', '### 待人工：状态异常', '运营处理', true],
  ['stillBooked', '### 待人工：退舱失败', '.1`', true],
  ['pathless', '### 待人工：无法配送', '运营处理', true],
  ['unplanned', '### 已支付，拆单中', '按温层拆单', false],
])('the page of %s says what it waits for', async (name, title, waitsFor, until) => {
  const details = await detailsOf(idOf(orders[name] as string));
  expect(details.split('\n')[0]).toBe(title);
  expect(details).toContain(`- **在等** ${''}`);
  expect(details).toContain(waitsFor);
  expect(details).toMatch(new RegExp(`- \\*\\*自\\*\\* ${clock}$`, 'm'));
  if (until) expect(details).toMatch(new RegExp(`- \\*\\*至\\*\\* ${clock}$`, 'm'));
  expect(details.includes('待人工：')).toBe(details.includes('- **怎么办** '));
  expect(details).toContain('时间均为 Asia/Shanghai');
});

test('a delivered order’s page says that there is nothing to do', async () => {
  expect(await detailsOf(idOf(orders.delivered as string))).toBe('### 已送达\n已了结，无需处理。');
});

test('the wait for payment began when the order was placed', async () => {
  const { created_at } = await stage.order(orders.unpaid as string);
  const details = await detailsOf(idOf(orders.unpaid as string));
  expect(details).toContain(`- **自** ${shanghaiTime(created_at as Date)}`);
});

test('every activity and timer of an order has its line, in Chinese', async () => {
  for (const orderId of [orders.ofTwoSites, orders.unbooked, orders.late, orders.stillBooked]) {
    const { events } = await stage.client.workflow.getHandle(idOf(orderId as string)).fetchHistory();
    const steps = (events ?? []).filter(
      (event) =>
        event.activityTaskScheduledEventAttributes ??
        event.timerStartedEventAttributes ??
        event.markerRecordedEventAttributes,
    );
    expect(steps.length).toBeGreaterThan(3);
    for (const { userMetadata } of steps) {
      const summary = JSON.parse(Buffer.from(userMetadata?.summary?.data ?? []).toString() || '""');
      expect(summary).toMatch(/[一-鿿]/);
    }
  }
});

test('since when it waits survives a history that is cut', async () => {
  const orderId = orders.unbooked as string;
  const handle = stage.client.workflow.getHandle(idOf(orderId));
  const { runId: first } = await handle.describe();
  await stage.misbehave(stage.carrier, { route: 'booking', behaviour: 'refuse' });
  const [attention] = await stage.database.query<{ created_at: Date }>(
    `SELECT created_at FROM attention WHERE order_id = $1 AND reason = 'bookingFailed'`,
    [orderId],
  );
  let runId = first;
  for (let words = 0; runId === first && words < 5000; words += 1) {
    await handle.signal('resumed');
    ({ runId } = await handle.describe());
  }
  expect(runId).not.toBe(first);
  const { events } = await handle.fetchHistory();
  const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const { shown } = JSON.parse(Buffer.from(input?.data ?? []).toString()) as OrderWorkflowInput;
  expect(shown).toMatchObject({ stage: 'parked', attention: 'bookingFailed', reader: { language: 'zh' } });
  const since = new Date(shown?.parked?.since ?? 0).getTime();
  expect(Math.abs(since - (attention?.created_at.getTime() as number))).toBeLessThan(2000);
  // the new run parks it again, and shows the old instant
  await eventually(async () => (await detailsOf(idOf(orderId))).includes(shanghaiTime(new Date(since))));
});
