import type { Intake } from '../../src/intake/intake';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { expectCoherent } from '../support/expectCoherent';
import {
  dayFromToday,
  givenCampaign,
  givenNetwork,
  givenSku,
  givenStock,
  givenTenant,
} from '../support/fixtures';
import { accepted, intakeOn, letHoldsEnd, orderFor, pay, personalData } from './support';

let database: TestDatabase;
let intake: Intake;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  intake = intakeOn(database);
});
afterAll(async () => {
  await expectCoherent(database);
  await database.drop();
});
beforeEach(async () => {
  tenant = await givenTenant(database);
  await givenSku(database, tenant);
  await givenNetwork(database, tenant);
});

const place = (request = orderFor()) => intake.place(tenant, request, 'test');

async function balances(sku = 'apple') {
  return database.query<{
    site_id: string;
    lot_id: string;
    on_hand: string;
    held: string;
    committed: string;
  }>(
    `SELECT site_id, lot_id, on_hand::text, held::text, committed::text FROM stock_balance
      WHERE tenant = $1 AND sku = $2 ORDER BY site_id, lot_id`,
    [tenant, sku],
  );
}

async function rowsIn(table: string): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${table} WHERE tenant = $1`,
    [tenant],
  );
  return row?.n ?? 0;
}

describe('an order that can be kept', () => {
  test('holds its stock at once and tells the shop what was promised', async () => {
    await givenStock(database, tenant, { quantity: 5 });
    const answer = accepted(
      await place(
        orderFor({
          lines: [{ sku: 'apple', quantity: 2, unitPriceFen: 500, discountFen: 100 }],
          freightFen: 50,
        }),
      ),
    );
    expect(answer).toMatchObject({ state: 'awaitingPayment', totalFen: 950 });
    expect(answer.lines).toEqual([
      { lineId: '1', sku: 'apple', quantity: 2, supply: 'spot', unitPriceFen: 500 },
    ]);
    const holdSeconds = (Date.parse(answer.expiresAt ?? '') - Date.now()) / 1000;
    expect(holdSeconds).toBeGreaterThan(1700);
    expect(holdSeconds).toBeLessThanOrEqual(1800);
    expect(Date.parse(answer.promise.deliverBy)).toBeGreaterThan(Date.parse(answer.promise.shipBy));
    expect(await balances()).toEqual([
      { site_id: 'central', lot_id: 'lot-30d', on_hand: '5', held: '2', committed: '0' },
    ]);
    expect(await rowsIn('outbox')).toBe(1);
  });

  test('takes the lot that expires first and still lives on the hand-over day', async () => {
    await givenSku(database, tenant, { sku: 'milk', zone: 'chilled', minimumRemainingLifeDays: 3 });
    await givenStock(database, tenant, { sku: 'milk', lotId: 'too-old', expiresInDays: 2 });
    await givenStock(database, tenant, { sku: 'milk', lotId: 'old', expiresInDays: 9, quantity: 3 });
    await givenStock(database, tenant, { sku: 'milk', lotId: 'young', expiresInDays: 20 });
    accepted(await place(orderFor({ lines: [{ sku: 'milk', quantity: 5 }] })));
    const held = (await balances('milk')).map(({ lot_id, held }) => [lot_id, held]);
    expect(held).toEqual([
      ['old', '3'],
      ['too-old', '0'],
      ['young', '2'],
    ]);
  });

  test('takes the nearer site when both cost the same but for the way', async () => {
    await givenStock(database, tenant, { siteId: 'central' });
    await givenStock(database, tenant, { siteId: 'forward' });
    accepted(await place(orderFor({ buyer: { ref: 'b', location: { lat: 31.24, lng: 121.44 } } })));
    expect((await balances()).map(({ site_id, held }) => [site_id, held])).toEqual([
      ['central', '0'],
      ['forward', '1'],
    ]);
  });

  test('sums repeated lines and bundles before it tests them', async () => {
    await givenSku(database, tenant, { sku: 'pear' });
    await givenSku(database, tenant, { sku: 'box', components: { apple: 2, pear: 1 } });
    await givenStock(database, tenant, { quantity: 5 });
    await givenStock(database, tenant, { sku: 'pear', quantity: 5 });
    const lines = [
      { sku: 'apple', quantity: 1 },
      { sku: 'box', quantity: 2 },
      { sku: 'apple', quantity: 1 },
    ];
    const short = await place(orderFor({ lines }));
    expect(short).toEqual({ kind: 'soldOut', shortfall: [{ sku: 'apple', asked: 6, sellable: 5 }] });
    accepted(await place(orderFor({ lines: lines.slice(0, 2) })));
    expect((await balances())[0]?.held).toBe('5');
    expect((await balances('pear'))[0]?.held).toBe('2');
  });

  test('that costs nothing is paid at once', async () => {
    await givenStock(database, tenant);
    const answer = accepted(
      await place(orderFor({ lines: [{ sku: 'apple', quantity: 1, unitPriceFen: 0 }] })),
    );
    expect(answer).toMatchObject({ state: 'paid', totalFen: 0, expiresAt: null });
    expect((await balances())[0]).toMatchObject({ held: '0', committed: '1' });
  });

  test('takes the shortest hold among its lines', async () => {
    await givenSku(database, tenant, { sku: 'fish', holdMinutes: 5 });
    await givenStock(database, tenant);
    await givenStock(database, tenant, { sku: 'fish' });
    const answer = accepted(
      await place(
        orderFor({
          lines: [
            { sku: 'apple', quantity: 1 },
            { sku: 'fish', quantity: 1 },
          ],
        }),
      ),
    );
    expect((Date.parse(answer.expiresAt ?? '') - Date.now()) / 60_000).toBeLessThanOrEqual(5);
  });

  test('keeps personal data in one encrypted row', async () => {
    await givenStock(database, tenant);
    const address = { province: '上海', city: '上海', district: '静安', detail: '南京西路 1 号' };
    const request = orderFor({ buyer: { ref: 'b', name: '王小明', phone: '13800000000', address } });
    const { orderId } = accepted(await place(request));
    const [row] = await database.query<{ key_id: string; sealed: Buffer }>(
      'SELECT key_id, sealed FROM recipient WHERE tenant = $1',
      [tenant],
    );
    if (!row) throw new Error('no recipient');
    expect(row.sealed.toString('utf8')).not.toContain('1380000');
    expect(personalData.open({ tenant, orderId }, { keyId: row.key_id, sealed: row.sealed })).toMatchObject({
      name: '王小明',
      address,
    });
    expect(() =>
      personalData.open({ tenant, orderId: 'another' }, { keyId: row.key_id, sealed: row.sealed }),
    ).toThrow();
    const everything = await database.query(
      `SELECT o::text, e::text, b::text FROM orders o, order_event e, outbox b WHERE o.tenant = $1 AND e.tenant = $1 AND b.tenant = $1`,
      [tenant],
    );
    expect(JSON.stringify(everything)).not.toMatch(/王小明|13800000000|南京西路/);
  });
});

describe('a repeat', () => {
  test('gets the first answer word for word, and holds nothing twice', async () => {
    await givenStock(database, tenant, { quantity: 5 });
    const request = orderFor();
    const first = accepted(await place(request));
    const again = await place({ ...request, lines: request.lines.map((line) => ({ ...line })) });
    expect(again.kind).toBe('repeated');
    expect(JSON.stringify(accepted(again))).toBe(JSON.stringify(first));
    expect((await balances())[0]?.held).toBe('1');
  });

  test('at the same moment makes one order', async () => {
    await givenStock(database, tenant, { quantity: 50 });
    const request = orderFor();
    const answers = await Promise.all(Array.from({ length: 8 }, () => place(request)));
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
    expect(new Set(answers.map((answer) => accepted(answer).orderId)).size).toBe(1);
    expect((await balances())[0]?.held).toBe('1');
  });

  test('with another body is a conflict and changes nothing', async () => {
    await givenStock(database, tenant, { quantity: 5 });
    const request = orderFor();
    accepted(await place(request));
    expect(await place({ ...request, lines: [{ sku: 'apple', quantity: 2 }] })).toEqual({ kind: 'conflict' });
    expect((await balances())[0]?.held).toBe('1');
  });
});

describe('a refusal stores nothing, and says why', () => {
  test('sold out, to the unit, under a burst', async () => {
    await givenStock(database, tenant, { quantity: 20 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => place()));
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(20);
    expect(answers.filter((answer) => answer.kind === 'soldOut')).toHaveLength(40);
    expect((await balances())[0]).toMatchObject({ on_hand: '20', held: '20' });
    expect(await rowsIn('orders')).toBe(20);
  });

  test('safety stock of the SKU and of the site is untouched', async () => {
    await givenSku(database, tenant, { sku: 'pear', safetyStock: 3 });
    await givenStock(database, tenant, { sku: 'pear', quantity: 10 });
    await database.query(`UPDATE site SET safety_stock = 2 WHERE tenant = $1 AND site_id = 'central'`, [
      tenant,
    ]);
    const answer = await place(orderFor({ lines: [{ sku: 'pear', quantity: 6 }] }));
    expect(answer).toEqual({ kind: 'soldOut', shortfall: [{ sku: 'pear', asked: 6, sellable: 5 }] });
    accepted(await place(orderFor({ lines: [{ sku: 'pear', quantity: 5 }] })));
  });

  test('stock that exists only where it cannot serve counts as sold out', async () => {
    await givenSku(database, tenant, { sku: 'ice', zone: 'frozen' });
    await givenStock(database, tenant, { sku: 'ice' });
    await database.query(
      `UPDATE site SET closed_on = ARRAY(SELECT d::date FROM generate_series(current_date - 2, current_date + 90, '1 day') d) WHERE tenant = $1 AND site_id = 'central'`,
      [tenant],
    );
    expect((await place(orderFor({ lines: [{ sku: 'ice', quantity: 1 }] }))).kind).toBe('noRoute');
    accepted(
      await (async () => {
        await givenStock(database, tenant, { siteId: 'forward' });
        return place();
      })(),
    );
  });

  test('nobody may carry that zone there', async () => {
    await givenSku(database, tenant, { sku: 'ice', zone: 'frozen' });
    await givenStock(database, tenant, { sku: 'ice' });
    const lines = [{ sku: 'ice', quantity: 1 }];
    expect(await place(orderFor({ lines, buyer: { ref: 'b', pickupPointId: 'point-basic' } }))).toEqual({
      kind: 'noRoute',
      zone: 'frozen',
      because: 'nobodyMayCarryIt',
    });
    accepted(await place(orderFor({ lines, buyer: { ref: 'b', pickupPointId: 'point-cold' } })));
  });

  test('litres of the point are taken with the order and given back when it expires', async () => {
    await givenSku(database, tenant, { sku: 'crate', volumeMillilitres: 600_000 });
    await givenStock(database, tenant, { sku: 'crate' });
    const order = () =>
      orderFor({ lines: [{ sku: 'crate', quantity: 1 }], buyer: { ref: 'b', pickupPointId: 'point-cold' } });
    const first = accepted(await place(order()));
    expect(await place(order())).toEqual({ kind: 'noRoute', zone: 'ambient', because: 'pickupPointFull' });
    await letHoldsEnd(database, tenant, first.orderId);
    expect((await pay(database, tenant, first)).kind).toBe('late');
    accepted(await place(order()));
  });

  test('unknown SKUs, places and campaigns', async () => {
    expect(await place(orderFor({ lines: [{ sku: 'nope', quantity: 1 }] }))).toEqual({
      kind: 'unknownSku',
      skus: ['nope'],
    });
    expect(await place(orderFor({ buyer: { ref: 'b', pickupPointId: 'nope' } }))).toMatchObject({
      kind: 'unknownReference',
      path: 'buyer.pickupPointId',
    });
    expect(await place(orderFor({ buyer: { ref: 'b', communityId: 'nope' } }))).toMatchObject({
      kind: 'unknownReference',
      path: 'buyer.communityId',
    });
    expect(
      await place(orderFor({ lines: [{ sku: 'apple', quantity: 1, campaignId: 'nope' }] })),
    ).toMatchObject({ kind: 'unknownReference', path: 'lines.0.campaignId' });
    expect(await rowsIn('orders')).toBe(0);
  });

  test('a purchase limit counts open and paid orders of the buyer together', async () => {
    await givenSku(database, tenant, { sku: 'truffle', purchaseLimit: 2 });
    await givenStock(database, tenant, { sku: 'truffle' });
    const order = (liveSessionId?: string) =>
      orderFor({
        lines: [{ sku: 'truffle', quantity: 1 }],
        buyer: { ref: 'greedy', location: { lat: 31, lng: 121 } },
        liveSessionId,
      });
    const answers = await Promise.all(Array.from({ length: 6 }, () => place(order())));
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(2);
    expect(answers.find((answer) => answer.kind === 'purchaseLimit')).toMatchObject({
      sku: 'truffle',
      limit: 2,
    });
    accepted(await place(order('show-1')));
  });

  test('past the cutoff for same-day goods, and for a window nobody can meet', async () => {
    await givenSku(database, tenant, { sku: 'crab', zone: 'special' });
    await givenStock(database, tenant, { sku: 'crab' });
    await givenStock(database, tenant);
    await database.query(`UPDATE site SET cutoff = '00:00' WHERE tenant = $1`, [tenant]);
    expect(await place(orderFor({ lines: [{ sku: 'crab', quantity: 1 }] }))).toEqual({
      kind: 'pastCutoff',
      zone: 'special',
    });
    const day = dayFromToday(0);
    const window = { from: `${day}T00:00:00+08:00`, to: `${day}T23:00:00+08:00` };
    expect(await place(orderFor({ window }))).toEqual({ kind: 'pastCutoff', zone: 'ambient' });
  });

  test('what a schema cannot see', async () => {
    await givenStock(database, tenant);
    expect(
      await place(orderFor({ lines: [{ sku: 'apple', quantity: 1, unitPriceFen: 5, discountFen: 6 }] })),
    ).toMatchObject({ kind: 'invalid', path: 'lines.0.discountFen' });
    expect(
      await place(
        orderFor({ lines: [{ sku: 'apple', quantity: Number.MAX_SAFE_INTEGER, unitPriceFen: 9 }] }),
      ),
    ).toMatchObject({ kind: 'invalid', path: 'lines' });
    expect(
      await place(
        orderFor({
          lines: [
            { lineId: '2', sku: 'apple', quantity: 1 },
            { sku: 'apple', quantity: 1 },
          ],
        }),
      ),
    ).toMatchObject({ kind: 'invalid', path: 'lines.1.lineId' });
    expect(await rowsIn('stock_movement')).toBe(1);
  });
});

describe('presale', () => {
  test('takes the quota of the buyer’s region and never the shelf', async () => {
    await givenCampaign(database, tenant, { quotas: { east: 3 } });
    await givenStock(database, tenant, { quantity: 5 });
    const order = () =>
      orderFor({ lines: [{ sku: 'apple', quantity: 1, supply: 'presale', campaignId: 'early' }] });
    const answers = await Promise.all(Array.from({ length: 9 }, () => place(order())));
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(3);
    expect(answers.find((answer) => answer.kind === 'quotaExhausted')).toMatchObject({
      shortfall: [{ sku: 'apple', asked: 1, sellable: 0, campaignId: 'early' }],
    });
    expect((await balances())[0]).toMatchObject({ on_hand: '5', held: '0' });
    const first = accepted(answers.find((answer) => answer.kind === 'accepted') as never);
    expect((await pay(database, tenant, first)).kind).toBe('booked');
    const [quota] = await database.query('SELECT held::int, sold::int FROM presale_quota WHERE tenant = $1', [
      tenant,
    ]);
    expect(quota).toEqual({ held: 2, sold: 1 });
  });

  test('needs a region', async () => {
    await givenCampaign(database, tenant);
    const lines = [{ sku: 'apple', quantity: 1, campaignId: 'early' }];
    expect(await place(orderFor({ lines, buyer: { ref: 'b' } }))).toEqual({
      kind: 'unknownRegion',
      lineId: '1',
    });
  });
});

describe('an order that comes already paid', () => {
  const payment = (transactionId: string, amountFen = 1990) => ({
    transactionId,
    amountFen,
    paidAt: '2026-11-11T20:00:00+08:00',
    heldBy: 'tenant' as const,
  });

  test('is committed in the same step and never expires', async () => {
    await givenStock(database, tenant);
    const answer = accepted(await place(orderFor({ payment: payment('wx-1') })));
    expect(answer).toMatchObject({ state: 'paid', expiresAt: null });
    expect((await balances())[0]).toMatchObject({ held: '0', committed: '1' });
  });

  test('is never refused for want of stock: it is accepted and shown', async () => {
    const answer = accepted(await place(orderFor({ payment: payment('wx-2') })));
    expect(answer.state).toBe('paid');
    const [shown] = await database.query(
      'SELECT reason, owner FROM attention WHERE tenant = $1 AND order_id = $2',
      [tenant, answer.orderId],
    );
    expect(shown).toEqual({ reason: 'paidShort', owner: 'ops' });
  });

  test('must bring its own payment, of the right amount', async () => {
    await givenStock(database, tenant);
    accepted(await place(orderFor({ payment: payment('wx-3') })));
    expect(await place(orderFor({ payment: payment('wx-3') }))).toEqual({
      kind: 'transactionUsed',
      transactionId: 'wx-3',
    });
    expect(await place(orderFor({ payment: payment('wx-4', 1) }))).toMatchObject({
      kind: 'invalid',
      path: 'payment.amountFen',
    });
  });
});
