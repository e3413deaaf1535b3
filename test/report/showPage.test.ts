import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describeEmptyShow } from '../../src/domain/live/emptyShow';
import { promiseOutcomes, spanKinds } from '../../src/domain/live/showFacts';
import { computeShowReport } from '../../src/domain/live/showReport';
import { brokenKinds } from '../../src/domain/live/showVerdict';
import { zones } from '../../src/domain/catalogue/model';
import { attentionRules } from '../../src/domain/order/attention';
import { orderStates } from '../../src/domain/order/model';
import { createClock, formatMoney, formatRate, formatSeconds } from '../../src/report/format';
import { drawNoticePage } from '../../src/report/noticePage';
import { drawShowPage } from '../../src/report/showPage';
import { words } from '../../src/report/words';
import { arbitraryShow } from '../domain/live/arbitraryShow';
import { typicalShop, typicalShow } from './typicalShow';

const typical = computeShowReport(typicalShow);
const empty = computeShowReport(
  describeEmptyShow({ liveSessionId: 'show-1', madeAt: '2026-11-25T12:00:00Z' }),
);
const namesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

/** Reasons that belong to no order, so that no session's report can name them. */
const ofNoOrder = [
  'unknownOrder',
  'unknownShipment',
  'unknownTenant',
  'webhookDisabled',
  'supplyCut',
  'purchaseDue',
];

describe('the words of the page', () => {
  test.each(Object.entries(words))(
    '%s is said in both languages, with the same things in it',
    (_key, { zh, en }) => {
      expect(zh.trim()).not.toBe('');
      expect(en.trim()).not.toBe('');
      expect(namesIn(zh)).toEqual(namesIn(en));
      expect(zh).toMatch(/\p{Script=Han}/u);
      expect(en).not.toMatch(/\p{Script=Han}/u);
    },
  );

  test('there are words for everything the product names itself', () => {
    const named = [
      ...zones.map((name) => `zone.${name}`),
      ...orderStates.map((name) => `state.${name}`),
      ...promiseOutcomes.map((name) => `outcome.${name}`),
      ...spanKinds.map((name) => `span.${name}`),
      ...brokenKinds.map((name) => `broken.${name}`),
      ...Object.keys(attentionRules)
        .filter((reason) => !ofNoOrder.includes(reason))
        .map((reason) => `reason.${reason}`),
    ];
    expect(named.filter((name) => !(name in words))).toEqual([]);
  });

  test('reasons are called what the glossary calls them', () => {
    const glossary = readFileSync(join(__dirname, '..', '..', 'docs', 'glossary.md'), 'utf8');
    const chinese = new Map(
      [...glossary.matchAll(/^\| `(\w+)` \| ([^|]+?) \|/gm)].map((row) => [`reason.${row[1]}`, row[2]]),
    );
    const reasons = Object.entries(words).filter(([name]) => name.startsWith('reason.'));
    expect(reasons.map(([name, { zh }]) => [name, zh])).toEqual(
      reasons.map(([name]) => [name, chinese.get(name)]),
    );
  });
});

describe('the page', () => {
  test('has no script and no address of anything it would have to fetch', async () => {
    for (const report of [typical, empty]) {
      const page = await drawShowPage(report, { shop: typicalShop });
      expect(page.match(/<script|<link|<img|<iframe|@import|url\((?!#)|https?:\/\/|\son\w+=/i)).toBeNull();
      expect(page.includes('content="default-src &#39;none&#39;; style-src')).toBe(true);
    }
  });

  test('is small, and the same every time', async () => {
    const page = await drawShowPage(typical, { shop: typicalShop });
    expect(Buffer.byteLength(page)).toBeLessThan(400_000);
    expect(await drawShowPage(typical, { shop: typicalShop })).toBe(page);
  });

  test('escapes whatever others named, and has every id once', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryShow, async (facts) => {
        const page = await drawShowPage(computeShowReport(facts), {
          shop: {
            ...typicalShop,
            faults: { '<script>alert(1)</script>': 1 },
            otherRefusals: { '"><img>': 2 },
          },
        });
        expect(page.match(/<script|<img|<i>|<b>&|Milk <1/)).toBeNull();
        const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
        expect(new Set(ids).size).toBe(ids.length);
        // nothing drawn refers to what is not there
        for (const [, id] of page.matchAll(/(?:url\(#|aria-labelledby="|href="#)([^")]+)/g))
          expect(ids).toContain(id);
        expect(page.match(/undefined|NaN|\[object|\{\w+\}</)).toBeNull();
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  test('says that a session has no order, and draws no chart of nothing', async () => {
    const page = await drawShowPage(empty);
    expect(page).toContain('本场没有订单');
    expect(page).not.toContain('<figure');
  });

  test.each([
    ['kept', { unkept: 0, open: 0, broken: [] }, '说到做到'],
    ['kept', { unkept: 0, open: 3, broken: [] }, '至此无一失约'],
    ['unkept', { unkept: 2, open: 3, broken: [] }, '2 单未按承诺送达'],
    ['broken', { unkept: 2, open: 3, broken: [{ kind: 'oversold' as const, count: 7 }] }, '超卖 7 件'],
  ])('shows a verdict of %s', async (tone, verdict, text) => {
    const page = await drawShowPage({ ...typical, verdict });
    expect(page).toContain(`class="verdict ${tone}"`);
    expect(page).toContain(text);
  });

  test('what only the shop saw is shown where it is known, and said to be unknown where it is not', async () => {
    const alone = await drawShowPage(typical);
    expect(alone).toContain('服务端不存接单耗时');
    expect(alone).not.toContain('id="shop"');
    const both = await drawShowPage(typical, { shop: { ...typicalShop, lostOrders: 2 } });
    expect(both).toContain('id="shop"');
    expect(both).toContain('class="verdict broken"');
    expect(both).toContain('2 个已确认订单丢失');
  });

  test('tells how the waiting ended, and nothing where nobody waited', async () => {
    const page = await drawShowPage(typical);
    expect(page).toContain('href="#waitingList"');
    expect(page).toContain('24 单候补，9 单递补，其中 7 单已付款');
    expect(page).toContain('24 stood in line, 9 of them were served, and 7 of those paid');
    expect(page).toContain('median 31 s, 95% within 58 s, longest 61 s');
    for (const end of ['离队', 'left the line', '候补到期', '已无法供货']) expect(page).toContain(end);
    expect(page).not.toContain('仍在排队');
    expect(await drawShowPage(empty)).not.toContain('waitingList');
  });

  test('opens in the language asked for', async () => {
    expect(await drawShowPage(typical, { language: 'en' })).toMatch(/id="language-en" checked/);
    expect(await drawShowPage(typical)).toMatch(/id="language-zh" checked/);
    expect(drawNoticePage('linkExpired', 'en')).toContain('<html lang="en">');
  });
});

test('times are of the tenant’s clock, as fine as their axis', () => {
  const clock = createClock('Asia/Shanghai');
  const at = '2026-11-25T16:05:09Z';
  expect(clock.full(at)).toBe('2026-11-26 00:05:09');
  expect(clock.short(at)).toBe('11-26 00:05');
  expect(
    [
      { bucketSeconds: 5, spanSeconds: 60 },
      { bucketSeconds: 60, spanSeconds: 7_200 },
      { bucketSeconds: 3_600, spanSeconds: 90_000 },
      { bucketSeconds: 86_400, spanSeconds: 900_000 },
    ].map((axis) => clock.tick(at, axis)),
  ).toEqual(['00:05:09', '00:05', '11-26 00:05', '11-26']);
});

test('lengths, money and rates are written for people; a rate is never rounded up to perfect', () => {
  expect([0, 0.08, 4.24, 60, 90, 600, 9_000, 400_000].map(formatSeconds)).toEqual([
    '0 s',
    '80 ms',
    '4.2 s',
    '1 min',
    '90 s',
    '10 min',
    '2.5 h',
    '4.6 d',
  ]);
  expect(formatMoney(123_456_789)).toBe('¥1,234,567.89');
  expect([null, 1, 0.99999, 0].map(formatRate)).toEqual(['–', '100%', '99.9%', '0%']);
});
