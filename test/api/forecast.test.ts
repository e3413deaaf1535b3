import iconv from 'iconv-lite';
import { expectCoherent } from '../support/expectCoherent';
import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';
import { givenForecast } from './support/forecasts';
import * as goods from './support/goods';

let api: ApiUnderTest;
let ours: TenantKeys;
let otherSupplier: string;

beforeAll(async () => {
  api = await startApi();
  ours = await api.tenant('our-brand');
  await goods.givenShop(api, ours);
  await put('/v1/communities/lake', { ...goods.community, region: '西湖区' });
  await put('/v1/suppliers/supplier-2', { ...goods.supplier, name: '另一家' });
  otherSupplier = (await api.newKey('our-brand', { role: 'supplier', supplierId: 'supplier-2' })).key;
});
afterAll(async () => {
  await expectCoherent(api.database);
  await api.close();
});

const put = (path: string, body: object) => api.send('PUT', path, { key: ours.ops, body });
const post = (path: string, body: unknown, key = ours.ops, headers: Record<string, string> = {}) =>
  api.send('POST', path, { key, body, headers });
const get = (path: string, key = ours.ops) => api.send('GET', path, { key });
const csv = (charset?: string) => ({ 'Content-Type': `text/csv${charset ? `; charset=${charset}` : ''}` });
const history = '/v1/demand-history';
const row = (changes: object = {}) => ({
  sku: 'strawberries',
  region: 'shanghai',
  date: goods.day(-1),
  units: 12,
  ...changes,
});

async function stored(): Promise<object[]> {
  return api.database.query(
    `SELECT sku, region, date::text, units::integer, stockout FROM demand_day WHERE tenant = 'our-brand' ORDER BY date, region`,
  );
}

describe('demand that a brand brings along', () => {
  beforeEach(() => api.database.query('DELETE FROM demand_day'));

  test('JSON: all rows or none, and the same again replaces', async () => {
    const rows = [row(), row({ date: goods.day(-2), stockout: true })];
    expect(await post(history, { rows })).toMatchObject({ status: 200, json: { rows: 2 } });
    await post(history, { rows: [row({ units: 20 })] });
    const after = await stored();
    expect(after).toMatchObject([
      { units: 12, stockout: true },
      { units: 20, stockout: false },
    ]);
    const wrong: [object, number, string, string][] = [
      [row({ sku: 'unknown' }), 422, 'unknown-sku', 'rows.1.sku'],
      [row({ date: goods.day(0) }), 422, 'day-not-over', 'rows.1.date'],
      [row({ units: -1, date: goods.day(-3) }), 400, 'invalid-request', 'rows.1.units'],
      [row(), 400, 'invalid-request', 'rows.1'],
    ];
    for (const [second, status, slug, path] of wrong) {
      expect(await post(history, { rows: [row({ units: 99 }), second] })).toMatchObject({
        status,
        slug,
        paths: [path],
      });
    }
    expect(await stored()).toEqual(after);
  });

  const sheet = [
    '日期,商品编码,区域,销量,缺货,备注',
    `${goods.day(-1).replaceAll('-', '/')},strawberries,西湖区,35,是,"周末, 直播"`,
    `${goods.day(-2)},strawberries,西湖区,8,,`,
  ].join('\r\n');
  const expected = [
    { region: '西湖区', units: 8, stockout: false, date: goods.day(-2) },
    { region: '西湖区', units: 35, stockout: true, date: goods.day(-1) },
  ];

  test.each([
    ['UTF-8', csv(), Buffer.from(sheet)],
    ['UTF-8 with a byte order mark', csv('utf-8'), Buffer.from(`\uFEFF${sheet}`)],
    ['GBK', csv('gbk'), iconv.encode(sheet, 'gbk')],
  ])('a sheet in %s, with Chinese headings', async (_, headers, bytes) => {
    expect(await post(history, bytes, ours.ops, headers)).toMatchObject({ status: 200, json: { rows: 2 } });
    expect(await stored()).toMatchObject(expected);
  });

  test('a sheet that cannot be read is refused with the place', async () => {
    const lines = (...more: string[]) => ['sku,region,date,units', ...more].join('\n');
    const wrong: [string | Buffer, object, string[]][] = [
      [iconv.encode(sheet, 'gbk'), csv(), ['']],
      ['sku,date,units\nstrawberries,2026-01-01,3', csv(), ['rows']],
      [lines(`strawberries,east,${goods.day(-1)},many`), csv(), ['rows.0.units']],
      [lines(`strawberries,east,2026-02-30,1`), csv(), ['rows.0.date']],
      [lines('"strawberries,east'), csv(), ['rows.1']],
      [lines(), csv(), ['rows']],
    ];
    for (const [bytes, headers, paths] of wrong) {
      expect(await post(history, bytes, ours.ops, headers as Record<string, string>)).toMatchObject({
        status: 400,
        paths,
      });
    }
    expect(await post(history, 'x', ours.ops, csv('utf-16'))).toMatchObject({ status: 415 });
    expect(await stored()).toEqual([]);
  });

  test('a year of many SKUs goes in one body', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) =>
      row({ region: `r${index % 60}`, date: goods.day(-1 - Math.floor(index / 60)) }),
    );
    expect(await post(history, { rows })).toMatchObject({ status: 200, json: { rows: 20_000 } });
  });
});

describe('forecasts', () => {
  let forecastId: string;
  beforeAll(async () => {
    await api.database.query('DELETE FROM demand_day');
    const rows = Array.from({ length: 28 }, (_, index) => [
      row({ date: goods.day(-1 - index), units: 30 }),
      row({ date: goods.day(-1 - index), region: '西湖区', units: 10 }),
    ]).flat();
    await post(history, { rows });
    forecastId = await givenForecast(api, 'our-brand');
  });

  const answer = (lines: object[], key = ours.supplier, id = forecastId) =>
    post(`/v1/supplier-forecasts/${id}/answer`, { lines }, key);
  const line = (changes: object = {}) => ({
    sku: 'strawberries',
    date: goods.day(3),
    confirmed: 40,
    ...changes,
  });

  test('are read by SKU and region, page by page', async () => {
    const { json } = await get('/v1/forecasts?sku=strawberries&region=shanghai');
    expect(json.items).toHaveLength(14);
    expect(json.items[0]).toMatchObject({
      sku: 'strawberries',
      region: 'shanghai',
      date: goods.day(0),
      basis: 'history',
      model: 'smoothed-weekdays-1',
      madeAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const pages: object[] = [];
    let cursor = '';
    do {
      const page = (await get(`/v1/forecasts?limit=9${cursor}`)).json;
      pages.push(...page.items);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(pages).toEqual((await get('/v1/forecasts?limit=200')).json.items);
    expect(pages).toHaveLength(28);
    expect(await get('/v1/forecasts', ours.supplier)).toMatchObject({ status: 403 });
  });

  test('a supplier sees its own, and the tenant’s people all', async () => {
    const path = '/v1/suppliers/supplier-1/forecasts';
    const seen = await get(path, ours.supplier);
    expect(seen.json.items).toMatchObject([{ forecastId, lines: expect.any(Array) }]);
    expect((await get(path)).json).toEqual(seen.json);
    expect(await get(path, otherSupplier)).toMatchObject({ status: 403 });
    expect(await get('/v1/suppliers/nobody/forecasts')).toMatchObject({ status: 404 });
    expect((await get('/v1/suppliers/supplier-2/forecasts', otherSupplier)).json.items).toEqual([]);
  });

  test('an answer is shared over the regions, is taken again, and may change', async () => {
    const first = await answer([line()]);
    expect(first).toMatchObject({ status: 200, json: { forecastId } });
    const confirmed = (json: { lines: { date: string; confirmed?: number }[] }) =>
      json.lines.filter((each) => each.date === goods.day(3)).map((each) => each.confirmed);
    expect(confirmed(first.json).reduce<number>((sum, each) => sum + (each ?? 0), 0)).toBe(40);
    expect((await answer([line()])).json).toEqual(first.json);
    const changed = await answer([line({ confirmed: 3 })], ours.ops);
    expect(confirmed(changed.json).reduce<number>((sum, each) => sum + (each ?? 0), 0)).toBe(3);
    expect((await get('/v1/suppliers/supplier-1/forecasts')).json.items[0]).toEqual(changed.json);
  });

  test('an answer that cannot be is refused whole, with the place', async () => {
    const before = (await get('/v1/suppliers/supplier-1/forecasts')).json;
    expect(await answer([line({ confirmed: 1 }), line({ sku: 'other' })])).toMatchObject({
      status: 422,
      slug: 'unknown-reference',
      paths: ['lines.1'],
    });
    expect(await answer([line({ confirmed: 1 }), line({ date: goods.day(30) })])).toMatchObject({
      status: 422,
    });
    expect(await answer([line(), line({ confirmed: 2 })])).toMatchObject({ status: 400, paths: ['lines.1'] });
    expect(await answer([line()], otherSupplier)).toMatchObject({ status: 404 });
    expect(await answer([line()], ours.ops, 'nothing')).toMatchObject({ status: 404 });
    expect(await answer([line()], ours.warehouse)).toMatchObject({ status: 403 });
    expect((await get('/v1/suppliers/supplier-1/forecasts')).json).toEqual(before);
  });

  test('a day that is over stands as it was answered', async () => {
    await api.database.query(
      `INSERT INTO supplier_forecast_line SELECT tenant, forecast_id, sku, region, date - 20, p10, p50, p90, presale, basis
         FROM supplier_forecast_line WHERE forecast_id = $1`,
      [forecastId],
    );
    expect(await answer([line({ date: goods.day(-9) })])).toMatchObject({
      status: 409,
      slug: 'answer-too-late',
      paths: ['lines.0.date'],
    });
    await api.database.query('DELETE FROM supplier_forecast_line WHERE forecast_id = $1 AND date < $2', [
      forecastId,
      goods.day(0),
    ]);
  });

  describe('as a sheet', () => {
    const sheetOf = async (query = '', key = ours.supplier) => {
      const response = await fetch(`${api.url}/v1/supplier-forecasts/${forecastId}/csv${query}`, {
        headers: { Authorization: `Bearer ${key}` },
      });
      return { response, bytes: Buffer.from(await response.arrayBuffer()) };
    };

    test('UTF-8 with a byte order mark, in the tenant’s language or the one asked for', async () => {
      const { response, bytes } = await sheetOf();
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(response.headers.get('content-disposition')).toContain(`forecast-${forecastId}.csv`);
      const text = bytes.toString('utf8');
      expect(text.startsWith('\uFEFF商品编码,商品名称,区域,日期,')).toBe(true);
      expect(text.split('\r\n')).toHaveLength(1 + 28 + 1);
      expect((await sheetOf('?language=en')).bytes.toString('utf8')).toContain('SKU,Name,Region,Date');
    });

    test('GBK, and an honest refusal of what it cannot write', async () => {
      const { response, bytes } = await sheetOf('?charset=gbk');
      expect(response.headers.get('content-type')).toBe('text/csv; charset=gbk');
      expect(iconv.decode(bytes, 'gbk')).toContain('丹东草莓');
      await put('/v1/skus/strawberries', { ...goods.sku, name: '草莓🍓' });
      const refused = await sheetOf('?charset=gbk');
      expect(refused.response.status).toBe(422);
      expect(refused.bytes.toString()).toContain('not-in-charset');
      expect((await sheetOf()).bytes.toString('utf8')).toContain('草莓🍓');
    });

    test('no cell is a formula', async () => {
      await put('/v1/skus/strawberries', { ...goods.sku, name: '=HYPERLINK("http://x","y")' });
      expect((await sheetOf()).bytes.toString('utf8')).toContain(`"'=HYPERLINK(""http://x"",""y"")"`);
      await put('/v1/skus/strawberries', goods.sku);
    });

    test('another supplier has no such forecast', async () => {
      expect((await sheetOf('', otherSupplier)).response.status).toBe(404);
      expect((await sheetOf('?charset=latin1')).response.status).toBe(400);
    });
  });
});
