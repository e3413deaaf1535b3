import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { computeShowReport } from '../../src/domain/live/showReport';
import { drawShowPage } from '../../src/report/showPage';
import { typicalShop, typicalShow } from '../report/typicalShow';
import { openBrowser, type Watched, watchPage } from '../support/browser';
import { type ApiUnderTest, expectStatus, startApi } from './support/apiUnderTest';
import * as goods from './support/goods';

const findFaintWords = readFileSync(join(__dirname, 'support', 'findFaintWords.js'), 'utf8');

/** The report as people meet it: a file, a link, a phone, a sheet of paper. */
let browser: Browser;
let folder: string;
let file: string;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  folder = mkdtempSync(join(tmpdir(), 'xianda-report-'));
  const path = join(folder, 'show.html');
  writeFileSync(path, await drawShowPage(computeShowReport(typicalShow), { shop: typicalShop }));
  file = pathToFileURL(path).href;
});
beforeEach(async () => {
  watched = await watchPage(browser);
  page = watched.page;
  await page.goto(file);
});
afterEach(() => page.close());
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const chooseEnglish = () => page.getByText('English', { exact: true }).click();
/** What a reader sees of the report itself; the brand is Chinese in both languages. */
const readText = async () => (await page.locator('main').innerText()).replaceAll('鲜达', '');
const openTables = () =>
  page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
const shownOf = (selector: string) =>
  page.locator(selector).evaluateAll((all) => all.filter((one) => one.getClientRects().length > 0).length);

test('asks for nothing but itself and complains of nothing', async () => {
  await chooseEnglish();
  await page.setViewportSize({ width: 375, height: 800 });
  await page.emulateMedia({ media: 'print' });
  expect(watched.requests).toEqual([file]);
  expect(watched.complaints).toEqual([]);
});

test('is whole in Chinese, and whole in English after one click', async () => {
  await openTables();
  expect(await shownOf('.en')).toBe(0);
  expect(await readText()).toContain('超卖件数');
  const chinese = await shownOf('.zh');
  await chooseEnglish();
  expect(await shownOf('.zh')).toBe(0);
  expect(await shownOf('.en')).toBe(chinese);
  const text = await readText();
  expect(text).toContain('Units oversold');
  expect(text).not.toMatch(/\p{Script=Han}/u);
});

test('the language is chosen by keyboard, without a script', async () => {
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  expect(await page.locator('#language-en').isChecked()).toBe(true);
  expect(await shownOf('.zh')).toBe(0);
});

test('every figure is drawn, has a name and the same figures as a table', async () => {
  const figures = await page.locator('figure').evaluateAll((all) =>
    all.map((figure) => {
      const drawn = [...figure.querySelectorAll('[role=img] svg')].filter(
        (svg) => svg.getClientRects().length > 0,
      );
      const box = drawn[0]?.getBoundingClientRect();
      return {
        drawings: drawn.length,
        width: box?.width ?? 0,
        height: box?.height ?? 0,
        shapes: drawn[0]?.querySelectorAll('path').length ?? 0,
        rows: figure.querySelectorAll('details tbody tr').length,
      };
    }),
  );
  expect(figures.length).toBe(7);
  for (const { drawings, width, height, shapes, rows } of figures) {
    expect(drawings).toBe(1);
    expect(width).toBeGreaterThan(600);
    expect(height).toBeGreaterThan(80);
    expect(shapes).toBeGreaterThan(6);
    expect(rows).toBeGreaterThan(2);
  }
  const images = await page.getByRole('img').all();
  expect(images.length).toBe(7);
  await chooseEnglish();
  await page.getByRole('img', { name: 'Sellable units of the hot SKUs', exact: true }).waitFor();
});

test('its headings and tables can be heard: one h1, a h2 for each part, tables with captions and headers', async () => {
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
  expect(await page.getByRole('heading', { level: 2 }).count()).toBe(await page.locator('section').count());
  const tables = await page.locator('table').evaluateAll((all) =>
    all.map((table) => ({
      caption: table.querySelector('caption')?.textContent ?? '',
      columns: table.querySelectorAll('thead th[scope=col]').length,
      named: [...table.querySelectorAll('tbody tr')].every((row) =>
        row.firstElementChild?.matches('th[scope=row]'),
      ),
    })),
  );
  expect(tables.length).toBeGreaterThan(10);
  for (const { caption, columns, named } of tables) {
    expect(caption).not.toBe('');
    expect(columns).toBeGreaterThan(1);
    expect(named).toBe(true);
  }
});

test('its words stand out from what they stand on, 4.5 to 1 at least', async () => {
  await openTables();
  expect(await page.evaluate(findFaintWords)).toEqual([]);
  // and the measure can tell
  await page.addStyleTag({ content: '.note{color:#9a9a9a!important}' });
  expect(await page.evaluate(findFaintWords)).not.toEqual([]);
});

test('fits a phone: drawings made for it, nothing beyond its edge', async () => {
  await page.setViewportSize({ width: 375, height: 800 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
  expect([await shownOf('figure .narrow'), await shownOf('figure .wide')]).toEqual([7, 0]);
  const letters = await page
    .locator('figure .narrow text')
    .evaluateAll((all) => all.map((text) => text.getBoundingClientRect().height));
  expect(Math.min(...letters)).toBeGreaterThan(9);
});

test('prints on A4 without its switch, in the language chosen, no row cut by a page', async () => {
  await chooseEnglish();
  const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString('latin1');
  const boxes = [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, width, height]) => [
    Math.round(Number(width)),
    Math.round(Number(height)),
  ]);
  expect(boxes.length).toBeGreaterThan(2);
  expect(boxes.length).toBeLessThan(10);
  for (const box of boxes) expect(box).toEqual([595, 842]);
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 500, height: 800 });
  expect([
    await shownOf('.switch'),
    await shownOf('details'),
    await shownOf('.contents'),
    await shownOf('.zh'),
  ]).toEqual([0, 0, 0, 0]);
  // paper is as wide as a screen, however narrow the window it is printed from
  expect([await shownOf('figure .wide'), await shownOf('figure .narrow')]).toEqual([7, 0]);
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  const breaks =
    "[...document.querySelectorAll('figure,tr')].map((one) => getComputedStyle(one).breakInside)";
  expect(new Set(await page.evaluate<string[]>(breaks))).toEqual(new Set(['avoid']));
});

describe('from the API', () => {
  let api: ApiUnderTest;
  let link: string;
  let token: string;

  beforeAll(async () => {
    api = await startApi();
    const shop = await api.tenant('shop');
    await goods.givenShop(api, shop);
    const body = goods.order({ liveSessionId: 'live-1' });
    expectStatus(await api.send('POST', '/v1/orders', { key: shop.channel, body }), 201);
    const path = '/v1/live-sessions/live-1/report-links';
    const { url } = expectStatus(await api.send('POST', path, { key: shop.ops, body: {} }), 201).json;
    link = url.replace('http://api.test', api.url);
    token = new URL(link).searchParams.get('token') ?? '';
  });
  afterAll(() => api.close());

  test('a link opens the page, under a policy that lets nothing else in', async () => {
    const fresh = await watchPage(browser);
    const response = await fresh.page.goto(link);
    expect(response?.status()).toBe(200);
    expect(await fresh.page.locator('h1').innerText()).toContain('live-1');
    expect(await shownOfPage(fresh.page, 'figure svg')).toBeGreaterThan(0);
    await fresh.page.getByText('English', { exact: true }).click();
    expect(await fresh.page.locator('main').innerText()).toContain('Orders placed');
    expect(fresh.requests).toEqual([link]);
    expect(fresh.complaints).toEqual([]);
    await fresh.page.close();
  });

  test('a link that has ended is told in words', async () => {
    const ended = link.replace(token, `${token.slice(0, -2)}AA`);
    expect((await page.goto(ended))?.status()).toBe(401);
    expect(await page.locator('main').innerText()).toContain('这个链接已失效');
  });
});

function shownOfPage(of: Page, selector: string): Promise<number> {
  return of
    .locator(selector)
    .evaluateAll((all) => all.filter((one) => one.getClientRects().length > 0).length);
}
