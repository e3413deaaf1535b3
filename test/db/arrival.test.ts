import { resolveAttention } from '../../src/db/attentionResolve';
import { cancelOrder } from '../../src/db/cancel';
import { planFulfilment } from '../../src/db/fulfilment';
import { type ReceiptAnswer, receiveStock } from '../../src/db/inventory';
import { createFactsCache } from '../../src/db/facts';
import { createSellableReader } from '../../src/db/sellable.read';
import { putCampaign } from '../../src/db/presale';
import { convertBatch } from '../../src/db/presaleConversion';
import { settleCampaign } from '../../src/db/presaleSettle';
import type { Database } from '../../src/db/transaction';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  dayFromToday,
  givenCampaign,
  givenNetwork,
  givenOrder,
  givenPaidOrder,
  givenPayment,
  givenShipmentEvent,
  givenSku,
  givenStock,
  givenTenant,
} from '../support/fixtures';
import { closeCampaign, givenHandOut, givenPresaleOrder, reservedUnits } from '../support/presaleFixtures';
import { balanceOf, digestOf, litresOf, orderFacts, outboxOf, quotaOf } from './orderJourney';

let database: TestDatabase;
let db: Database;
let tenant: string;
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.as('xianda_app');
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenNetwork(database, tenant);
  await givenSku(database, tenant);
  await givenCampaign(database, tenant, { quotas: { east: 5000 } });
});
afterAll(async () => {
  await expectCoherent(database, { atLeast: { 3: 50, 4: 50 } });
  await database.drop();
});

const arrive = (quantity: number, given: object = {}) =>
  givenStock(database, tenant, { quantity, campaignId: 'early', ...given });
const handOut = (given?: object) => givenHandOut(database, tenant, given);
const order = (given?: object) => givenPresaleOrder(database, tenant, given);
const plan = (orderId: string) => planFulfilment(db, { tenant, orderId });
const cancel = (orderId: string) => cancelOrder(db, { tenant, orderId, reason: 'test', actor: 'test' });
const sellable = async () =>
  (await createSellableReader(db, createFactsCache()).read(tenant, ['apple'])).items[0]?.sellable;

/** How often the hand-out of `early` was or will be woken. */
async function wakes(): Promise<number> {
  const rows = await database.query(`SELECT 1 FROM outbox WHERE tenant = $1 AND kind = 'startConversion'`, [
    tenant,
  ]);
  return rows.length;
}

/** Units committed to an order, by lot. */
async function goodsOf(orderId: string): Promise<Record<string, number>> {
  const rows = await database.query<{ lot_id: string; units: number }>(
    `SELECT lot_id, sum(quantity)::integer AS units FROM hold WHERE order_id = $1 AND state = 'committed' GROUP BY lot_id`,
    [orderId],
  );
  return Object.fromEntries(rows.map((row) => [row.lot_id, row.units]));
}

const served = async (orders: { orderId: string }[]) =>
  await Promise.all(orders.map(async ({ orderId }) => Object.keys(await goodsOf(orderId)).length > 0));

describe('receiving', () => {
  const receive = (lots: object[]): Promise<ReceiptAnswer> =>
    db.inTenant(tenant, (tx) =>
      receiveStock(tx, {
        reference: 'r1',
        siteId: 'central',
        actor: 'test',
        bodyDigest: digestOf('r1'),
        lots: lots.map((lot) => ({
          sku: 'apple',
          lotId: 'l1',
          quantity: 5,
          producedOn: dayFromToday(-1),
          expiresOn: dayFromToday(30),
          ...lot,
        })),
      }),
    );

  test('what comes for a campaign is on hand, held, and never for sale on the shelf', async () => {
    await givenStock(database, tenant, { quantity: 7, lotId: 'shelf' });
    await arrive(40);
    expect(await balanceOf(database, tenant, 'apple')).toEqual([47, 40, 0]);
    expect(await sellable()).toBe(7);
    expect(await wakes()).toBe(1);
    await expect(givenOrder(database, tenant, { lines: { apple: 8 } })).rejects.toThrow(/soldOut/);
  });

  test('an unknown campaign, and one of another SKU, are refused and nothing is kept', async () => {
    await givenSku(database, tenant, { sku: 'pear' });
    expect(await receive([{}, { lotId: 'l2', campaignId: 'nothing' }])).toEqual({
      kind: 'unknownCampaign',
      index: 1,
    });
    expect(await receive([{ sku: 'pear', campaignId: 'early' }])).toEqual({
      kind: 'otherCampaign',
      index: 0,
    });
    expect(await balanceOf(database, tenant, 'apple')).toEqual([0, 0, 0]);
  });

  test('goods for a bundle come as its components', async () => {
    await givenSku(database, tenant, { sku: 'pear' });
    await givenSku(database, tenant, { sku: 'box', components: { apple: 2, pear: 1 } });
    await givenCampaign(database, tenant, { campaignId: 'gift', sku: 'box' });
    const first = await order({ sku: 'box', campaignId: 'gift', quantity: 2 });
    const second = await order({ sku: 'box', campaignId: 'gift' });
    // the recipe changes after the sale; what was sold is what is served
    await database.query(
      `UPDATE sku_component SET quantity = 9 WHERE tenant = $1 AND component_sku = 'apple'`,
      [tenant],
    );
    await receive([
      { campaignId: 'gift', quantity: 5 },
      { sku: 'pear', campaignId: 'gift', quantity: 3 },
    ]);
    expect(await handOut({ campaignId: 'gift' })).toMatchObject({ converted: 1, offered: 1, reserved: 2 });
    expect([await balanceOf(database, tenant, 'apple'), await balanceOf(database, tenant, 'pear')]).toEqual([
      [5, 1, 4],
      [3, 1, 2],
    ]);
    expect(await served([first, second])).toEqual([true, false]);
    expect((await plan(first.orderId)).kind).toBe('planned');
  });

  test('the same receipt again reserves nothing more', async () => {
    expect((await receive([{ campaignId: 'early' }])).kind).toBe('received');
    expect((await receive([{ campaignId: 'early' }])).kind).toBe('repeated');
    expect(await reservedUnits(database, tenant)).toBe(5);
  });

  test('a campaign whose goods have come keeps its SKU', async () => {
    await givenSku(database, tenant, { sku: 'pear' });
    await arrive(3);
    const campaign = {
      opensAt: new Date(0),
      closesAt: new Date(),
      deliverFrom: dayFromToday(1),
      deliverBy: dayFromToday(2),
      quotas: [],
    };
    const put = (sku: string) => db.inTenant(tenant, (tx) => putCampaign(tx, 'early', { sku, ...campaign }));
    expect((await put('pear')).kind).toBe('inUse');
    expect((await put('apple')).kind).toBe('stored');
  });
});

describe('handing out', () => {
  const promise = (orderId: string, days: number) =>
    database.query('UPDATE quota_hold SET promised_on = $2 WHERE order_id = $1', [
      orderId,
      dayFromToday(days),
    ]);
  const paidAt = (orderId: string, minutesAgo: number) =>
    database.query(`UPDATE payment SET paid_at = now() - make_interval(mins => $2) WHERE order_id = $1`, [
      orderId,
      minutesAgo,
    ]);

  test('goes by promised day, then by payment, then by order id; whoever is too large is passed over', async () => {
    const early = await order();
    const rest = [];
    for (const quantity of [1, 1, 9, 1]) rest.push(await order({ quantity }));
    const orders = [early, ...rest];
    await promise(early.orderId, 3);
    await paidAt(early.orderId, 0);
    for (const [index, { orderId }] of rest.entries()) await paidAt(orderId, 60 - index);
    await arrive(3);
    expect(await handOut()).toMatchObject({ converted: 3, offered: 2, reserved: 0, waiting: 2 });
    expect(await served(orders)).toEqual([true, true, true, false, false]);
    await arrive(2, { lotId: 'second' });
    // the large one still cannot be; the one behind it can
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 1 });
    expect(await served(orders)).toEqual([true, true, true, false, true]);
  });

  test('takes the earliest usable lot, none with too little life, and tells each order’s workflow once', async () => {
    await database.query(`UPDATE sku SET minimum_remaining_life_days = 5 WHERE tenant = $1`, [tenant]);
    const { orderId } = await order({ quantity: 3 });
    await arrive(4, { expiresInDays: 3 });
    await arrive(2, { expiresInDays: 9 });
    await arrive(4, { expiresInDays: 20 });
    expect(await handOut()).toMatchObject({ converted: 1, offered: 0, reserved: 7 });
    expect(await goodsOf(orderId)).toEqual({ 'lot-9d': 2, 'lot-20d': 1 });
    expect((await outboxOf(database, orderId)).filter(({ stage }) => stage === 'resumed')).toHaveLength(1);
    expect(await orderFacts(database, orderId)).toMatchObject({ state: 'paid', attention: [] });
    expect(await quotaOf(database, tenant)).toEqual([5000, 0, 3]);
    expect(await plan(orderId)).toMatchObject({
      kind: 'planned',
      unconvertedUntil: null,
      shipments: [{ siteId: 'central' }],
    });
    expect((await orderFacts(database, orderId)).state).toBe('fulfilling');
  });

  test('goods in reserve are above the safety stock: it neither binds them nor is eaten by them', async () => {
    await database.query(`UPDATE sku SET safety_stock = 50 WHERE tenant = $1`, [tenant]);
    await givenStock(database, tenant, { quantity: 60, lotId: 'shelf' });
    await order({ quantity: 4 });
    await arrive(4);
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 0 });
    expect(await sellable()).toBe(10);
  });

  test('a mixed order goes on with its first shipment and ends with its last', async () => {
    const { orderId } = await givenPaidOrder(database, tenant, {
      lines: [{ sku: 'apple', quantity: 2, campaignId: 'early' }],
    });
    await givenStock(database, tenant, { quantity: 5, lotId: 'shelf' });
    const mixed = await givenPaidOrder(database, tenant, {
      buyer: { pickupPointId: 'point-cold' },
      lines: [
        { sku: 'apple', quantity: 1 },
        { sku: 'apple', quantity: 2, campaignId: 'early' },
      ],
    });
    const first = await plan(mixed.orderId);
    expect(first).toMatchObject({ kind: 'planned', shipments: [{}], unconvertedUntil: expect.any(String) });
    const ship = async (shipmentId: string) => {
      for (const kind of ['pickedUp', 'delivered'] as const)
        await givenShipmentEvent(database, tenant, { shipmentId, kind });
    };
    await ship(`${mixed.orderId}.1`);
    expect((await orderFacts(database, mixed.orderId)).state).toBe('fulfilling');
    expect(await litresOf(database, tenant)).toBe(0);
    await arrive(4);
    expect(await handOut()).toMatchObject({ converted: 2 });
    expect(await litresOf(database, tenant)).toBe(4000);
    expect(await plan(mixed.orderId)).toMatchObject({
      kind: 'planned',
      shipments: [{}, {}],
      unconvertedUntil: null,
    });
    await ship(`${mixed.orderId}.2`);
    expect((await orderFacts(database, mixed.orderId)).state).toBe('delivered');
    expect(await litresOf(database, tenant)).toBe(0);
    expect((await plan(orderId)).kind).toBe('planned');
  });

  test('litres of the spot goods and of those that come later stand together', async () => {
    await givenStock(database, tenant, { quantity: 5, lotId: 'shelf' });
    const { orderId } = await givenPaidOrder(database, tenant, {
      buyer: { pickupPointId: 'point-cold' },
      lines: [
        { sku: 'apple', quantity: 1 },
        { sku: 'apple', quantity: 2, campaignId: 'early' },
      ],
    });
    expect(await litresOf(database, tenant)).toBe(2000);
    await arrive(2);
    await handOut();
    expect(await litresOf(database, tenant)).toBe(6000);
    await cancel(orderId);
    expect(await litresOf(database, tenant)).toBe(0);
  });

  test('goods that nobody can bring to a buyer are shown to people, hold up nobody, and go when a way opens', async () => {
    const stuck = await order({ buyer: { pickupPointId: 'point-cold' } });
    const behind = await order();
    await database.query(`UPDATE pickup_point SET ambient_millilitres = 0 WHERE tenant = $1`, [tenant]);
    await arrive(2);
    expect(await handOut()).toMatchObject({ converted: 1, parked: 1, offered: 0, reserved: 1 });
    expect(await served([stuck, behind])).toEqual([false, true]);
    expect((await orderFacts(database, stuck.orderId)).attention).toEqual(['noRoute']);
    await database.query(`UPDATE outbox SET done_at = now(), attempts = 1 WHERE tenant = $1`, [tenant]);
    const [parked] = await database.query<{ attention_id: string }>(
      'SELECT attention_id FROM attention WHERE order_id = $1',
      [stuck.orderId],
    );
    const before = await wakes();
    const resolve = {
      tenant,
      attentionId: parked?.attention_id ?? '',
      action: 'retry' as const,
      actor: 'test',
    };
    expect(await resolveAttention(db, resolve)).toEqual({ kind: 'resolved' });
    expect(await wakes()).toBe(before + 1);
    expect(await handOut()).toMatchObject({ converted: 0, parked: 1 });
    await database.query(`UPDATE pickup_point SET ambient_millilitres = 100000 WHERE tenant = $1`, [tenant]);
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 0 });
    expect((await orderFacts(database, stuck.orderId)).attention).toEqual([]);
  });

  test('an order paid when the goods are there already wakes the hand-out and is served', async () => {
    await order();
    await arrive(5);
    await handOut();
    await database.query(`UPDATE outbox SET done_at = now(), attempts = 1 WHERE tenant = $1`, [tenant]);
    const late = await givenOrder(database, tenant, {
      lines: [{ sku: 'apple', quantity: 2, campaignId: 'early' }],
    });
    expect(await wakes()).toBe(1);
    await givenPayment(database, tenant, { orderId: late.orderId, amountFen: late.totalFen });
    expect(await wakes()).toBe(2);
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 2 });
    const prepaid = {
      transactionId: `c-${tenant}`,
      amountFen: 2 * 1990,
      paidAt: new Date().toISOString(),
      heldBy: 'channel' as const,
    };
    await givenOrder(database, tenant, {
      lines: [{ sku: 'apple', quantity: 2, campaignId: 'early' }],
      payment: prepaid,
    });
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 0 });
  });
});

describe('batches', () => {
  test('hundreds of orders go out in several transactions, each once, also when steps are made twice', async () => {
    const orders = [];
    for (let count = 0; count < 60; count += 1) orders.push(await order({ quantity: 1 + (count % 2) }));
    await arrive(70);
    const step = (after: Parameters<typeof convertBatch>[1]['after']) =>
      convertBatch(db, { tenant, campaignId: 'early', after, offerAnswerSeconds: 60, limit: 16 });
    const first = await step(null);
    expect(first).toMatchObject({ converted: 16, next: { orderId: expect.any(String) } });
    // the worker died before it could tell: the same step again serves the next
    await step(null);
    await Promise.all([step(first.next), step(first.next), step(null)]);
    await handOut({ limit: 16 });
    expect(await reservedUnits(database, tenant)).toBe(0);
    expect(await balanceOf(database, tenant, 'apple')).toEqual([70, 0, 70]);
    const count = (await served(orders)).filter(Boolean).length;
    // 90 units are wanted; a pair may have been passed over for a single at the very end
    expect(count).toBeGreaterThanOrEqual(46);
    await expectCoherent(database);
  }, 60_000);

  test('more than a batch of five hundred', async () => {
    await database.query(
      `INSERT INTO orders (tenant, order_id, channel, external_id, body_digest, answer, state, buyer_ref, region, community_id, lat, lng,
                           delivery_method, total_fen, freight_fen, ship_by, deliver_by, placed_on, paid_at)
       SELECT $1, $1 || '-o' || n, 'bulk', n::text, '\\x00', json_build_object('orderId', $1 || '-o' || n), 'paid', 'b', 'east', 'garden', 31.2, 121.4,
              'express', 0, 0, now() + interval '10 days', now() + interval '10 days', current_date, now() + n * interval '1 ms'
         FROM generate_series(1, 1203) n`,
      [tenant],
    );
    await database.query(
      `INSERT INTO order_line (tenant, order_id, line_id, position, sku, quantity, unit_price_fen, supply, campaign_id, components)
       SELECT tenant, order_id, '1', 1, 'apple', 1, 0, 'presale', 'early', '[{"sku":"apple","quantity":1}]' FROM orders WHERE tenant = $1`,
      [tenant],
    );
    await database.query(
      `INSERT INTO quota_hold (tenant, order_id, line_id, campaign_id, region, quantity, state, ended_at, promised_on)
       SELECT tenant, order_id, '1', 'early', 'east', 1, 'committed', now(), current_date + 10 FROM orders WHERE tenant = $1`,
      [tenant],
    );
    await database.query('UPDATE presale_quota SET sold = 1203 WHERE tenant = $1', [tenant]);
    await database.query(
      `INSERT INTO outbox (tenant, kind, subject, payload) SELECT tenant, 'startOrder', order_id, '{}' FROM orders WHERE tenant = $1`,
      [tenant],
    );
    await arrive(1100);
    expect(await handOut()).toMatchObject({
      batches: 3,
      converted: 1100,
      offered: 103,
      reserved: 0,
      waiting: 103,
    });
    // in the order they paid
    const [row] = await database.query<{ last: string }>(
      `SELECT max(o.paid_at)::text = (SELECT paid_at::text FROM orders WHERE tenant = $1 AND external_id = '1100') AS last
         FROM hold h JOIN orders o USING (tenant, order_id) WHERE h.tenant = $1`,
      [tenant],
    );
    expect(row?.last).toBe(true);
  }, 120_000);
});

describe('surplus and cancels', () => {
  test('a surplus goes to the shelf only when the campaign is over, nothing is held and nobody waits', async () => {
    const unpaid = await givenOrder(database, tenant, {
      lines: [{ sku: 'apple', quantity: 1, campaignId: 'early' }],
    });
    await order({ quantity: 2 });
    await arrive(10);
    expect(await handOut()).toMatchObject({ converted: 1, unreserved: 0, reserved: 8 });
    await closeCampaign(database, tenant);
    expect(await handOut()).toMatchObject({ unreserved: 0, reserved: 8 });
    expect(await sellable()).toBe(0);
    await givenPayment(database, tenant, { orderId: unpaid.orderId, amountFen: unpaid.totalFen });
    expect(await settleCampaign(db, { tenant, campaignId: 'early' })).toMatchObject({
      unreserved: 0,
      waiting: 1,
    });
    expect(await handOut()).toMatchObject({
      converted: 1,
      unreserved: 7,
      reserved: 0,
      waiting: 0,
      changesAt: null,
    });
    expect(await sellable()).toBe(7);
    expect(await handOut()).toMatchObject({ unreserved: 0 });
  });

  test('cancelled before its goods came: its units are for sale on presale again', async () => {
    const { orderId } = await order({ quantity: 3 });
    await cancel(orderId);
    expect(await quotaOf(database, tenant)).toEqual([5000, 0, 0]);
    await arrive(3);
    expect(await handOut()).toMatchObject({ converted: 0, reserved: 3 });
  });

  test('cancelled after: its goods serve the next who waits, and go to the shelf when nobody does', async () => {
    const first = await order({ quantity: 2 });
    const next = await order({ quantity: 2 });
    await arrive(2);
    await handOut();
    await plan(first.orderId);
    await database.query(`UPDATE outbox SET done_at = now(), attempts = 1 WHERE tenant = $1`, [tenant]);
    expect(await cancel(first.orderId)).toEqual({ outcome: 'done' });
    expect(await orderFacts(database, first.orderId)).toMatchObject({
      state: 'cancelled',
      refunds: [2 * 1990],
    });
    expect(await reservedUnits(database, tenant)).toBe(2);
    expect(await wakes()).toBe(2);
    expect(await handOut()).toMatchObject({ converted: 1, reserved: 0 });
    expect(await served([next])).toEqual([true]);
    await closeCampaign(database, tenant);
    await cancel(next.orderId);
    expect(await reservedUnits(database, tenant)).toBe(0);
    expect(await balanceOf(database, tenant, 'apple')).toEqual([2, 0, 0]);
    expect(await sellable()).toBe(2);
  });

  test('cancels, payments, arrivals and hand-outs all at once: every unit is in one place', async () => {
    const orders = [];
    for (let count = 0; count < 16; count += 1) orders.push(await order({ quantity: 1 + (count % 3) }));
    const unpaid = [];
    for (let count = 0; count < 6; count += 1)
      unpaid.push(
        await givenOrder(database, tenant, { lines: [{ sku: 'apple', quantity: 2, campaignId: 'early' }] }),
      );
    const works = [
      ...[6, 7, 8].map((quantity, index) => () => arrive(quantity, { lotId: `truck-${index}` })),
      ...Array.from({ length: 6 }, () => () => handOut({ limit: 5 })),
      ...orders
        .filter((_, index) => index % 3 === 0)
        .map(
          ({ orderId }) =>
            () =>
              cancel(orderId),
        ),
      ...orders
        .filter((_, index) => index % 4 === 1)
        .map(
          ({ orderId }) =>
            () =>
              plan(orderId),
        ),
      ...unpaid.map(
        ({ orderId, totalFen }) =>
          () =>
            givenPayment(database, tenant, { orderId, amountFen: totalFen }),
      ),
    ];
    const mixed = works.map((_, index) => works[(index * 7) % works.length] as () => Promise<unknown>);
    await Promise.all(mixed.map((work) => work()));
    await handOut();
    await expectCoherent(database);
  }, 60_000);
});
