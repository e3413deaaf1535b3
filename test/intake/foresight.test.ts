import type { LotBalance } from '../../src/domain/inventory/model';
import { createForesight, type Foresight } from '../../src/intake/foresight';

const wanted = { skus: ['apple'], goods: ['apple'], campaignIds: [], pointIds: ['p1'] };
const lot: LotBalance = {
  sku: 'apple',
  siteId: 's1',
  lotId: 'l1',
  expiresOn: '2026-12-01',
  onHand: 10,
  held: 2,
  committed: 0,
  quarantined: 0,
};
const stock = {
  lots: [lot],
  waiting: new Map<string, number>(),
  pointLoads: new Map([['p1', { ambient: 100, chilled: 0, frozen: 0 }]]),
};
const units = (n: number) => ({
  units: new Map([[JSON.stringify(['apple', 's1', 'l1']), n]]),
  litres: new Map([['p1', { ambient: n, chilled: 0, frozen: 0 }]]),
});

let nowMs: number;
let foresight: Foresight;

beforeEach(() => {
  nowMs = 0;
  foresight = createForesight(() => nowMs);
});

/** [held of the lot, ambient millilitres of the point]; null when nothing can be told. */
const foreseen = (of = 'shop') => {
  const known = foresight.foresee(of, wanted);
  return known && [known.lots[0]?.held, known.pointLoads.get('p1')?.ambient];
};

test('nothing is foreseen of a tenant, a SKU or a point that was never seen', () => {
  expect(foreseen()).toBeNull();
  foresight.noteSeen('shop', { wanted, stock, takes: units(0) });
  expect(foreseen()).toEqual([2, 100]);
  expect(foreseen('other')).toBeNull();
  expect(foresight.foresee('shop', { ...wanted, goods: ['apple', 'pear'] })).toBeNull();
  expect(foresight.foresee('shop', { ...wanted, skus: ['apple', 'box'] })).toBeNull();
  expect(foresight.foresee('shop', { ...wanted, pointIds: ['p2'] })).toBeNull();
});

test('what was seen counts less what its batch took and what is under way', () => {
  foresight.noteSeen('shop', { wanted, stock, takes: units(3) });
  const [second, third] = [units(4), units(1)];
  foresight.setOut('shop', second);
  foresight.setOut('shop', third);
  expect(foreseen()).toEqual([10, 108]);
  foresight.arrive('shop', second);
  expect(foreseen()).toEqual([6, 104]);
});

test('somebody in line is foreseen too', () => {
  foresight.noteSeen('shop', {
    wanted,
    stock: { ...stock, waiting: new Map([['apple', 5]]) },
    takes: units(0),
  });
  expect(foresight.foresee('shop', wanted)?.waiting).toEqual(new Map([['apple', 5]]));
});

test('knowledge ages, and is forgotten when a batch is lost', () => {
  foresight.noteSeen('shop', { wanted, stock, takes: units(0) });
  nowMs = 2000;
  expect(foreseen()).toEqual([2, 100]);
  nowMs = 2001;
  expect(foreseen()).toBeNull();
  foresight.noteSeen('shop', { wanted, stock, takes: units(0) });
  foresight.forget('shop');
  expect(foreseen()).toBeNull();
});

test('who was wrong waits, longer each time, and being right shortens it', () => {
  const seeAgain = () => foresight.noteSeen('shop', { wanted, stock, takes: units(0) });
  const pauseMs = () => {
    foresight.noteOutcome('shop', 'wrong');
    const from = nowMs;
    for (seeAgain(); foreseen() === null; seeAgain()) nowMs += 1;
    return nowMs - from;
  };
  expect([pauseMs(), pauseMs(), pauseMs()]).toEqual([250, 500, 1000]);
  for (let batch = 0; batch < 20; batch += 1) foresight.noteOutcome('shop', 'right');
  expect(pauseMs()).toBeLessThan(300);
  for (let again = 0; again < 12; again += 1) foresight.noteOutcome('shop', 'wrong');
  expect(pauseMs()).toBe(60_000);
});

test('many tenants and many SKUs do not fill the memory', () => {
  for (let tenant = 0; tenant < 150; tenant += 1)
    foresight.noteSeen(`shop-${tenant}`, { wanted, stock, takes: units(0) });
  expect(foreseen('shop-0')).toBeNull();
  expect(foreseen('shop-149')).toEqual([2, 100]);
  for (let sku = 0; sku < 10_001; sku += 1) {
    const only = { skus: [`sku-${sku}`], goods: [], campaignIds: [], pointIds: [] };
    foresight.noteSeen('shop-149', {
      wanted: only,
      stock: { ...stock, pointLoads: new Map() },
      takes: units(0),
    });
  }
  expect(foreseen('shop-149')).toBeNull();
});
