import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type ApiUnderTest, platformKey, startApi, type TenantKeys } from './support/apiUnderTest';
import { createLogger } from '../../src/log';
import { testTemporal } from '../support/servers';
import * as goods from './support/goods';

let api: ApiUnderTest;
let shop: TenantKeys;

beforeAll(async () => {
  api = await startApi();
  shop = await api.tenant('shop');
});
afterAll(() => api.close());

const path = '/v1/categories/fruit';
const put = (body: unknown, headers: Record<string, string> = {}) =>
  api.send('PUT', path, { key: shop.ops, body, headers });
const invalid = { status: 400, slug: 'invalid-request' };

describe('bodies', () => {
  test('JSON in UTF-8 is accepted, with a byte order mark too', async () => {
    expect((await put('\ufeff{"holdMinutes":5}')).json).toEqual({ category: 'fruit', holdMinutes: 5 });
    expect((await put('{}', { 'Content-Type': 'application/json; charset="UTF-8"' })).status).toBe(200);
    expect((await put('{}', { 'Content-Type': 'application/vnd.brand+json' })).status).toBe(200);
  });

  test.each([
    ['GBK', Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xcf, 0xca, 0x22, 0x7d])],
    ['UTF-16 LE with a mark', Buffer.from('\ufeff{}', 'utf16le')],
    ['UTF-16 LE', Buffer.from('{}', 'utf16le')],
    ['a cut character', Buffer.from([0x22, 0xe9, 0xb2])],
  ])('%s is 400', async (_name, bytes) => {
    expect(await put(bytes)).toMatchObject({ ...invalid, paths: [''] });
  });

  test.each([
    'application/json; charset=gbk',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    '',
  ])('the content type %j is 415', async (type) => {
    expect(await put('{}', { 'Content-Type': type })).toMatchObject({
      status: 415,
      slug: 'unsupported-media-type',
    });
  });

  test('a compressed body is 415', async () => {
    expect(await put(gzipSync('{}'), { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 415 });
  });

  test.each([
    '',
    ' ',
    '{',
    '{"a":}',
    'null',
    '[]',
    '1',
    '"x"',
    'NaN',
    "{'a':1}",
    '{"holdMinutes":5}x',
    '{"a":1,}',
    '{"holdMinutes":05}',
  ])('the body %j is 400', async (text) => {
    expect(await put(text)).toMatchObject(invalid);
  });

  test('a body may have 256 kB and no more', async () => {
    const padded = (bytes: number) => `{"holdMinutes":5${' '.repeat(bytes - 17)}}`;
    expect((await put(padded(256 * 1024))).status).toBe(200);
    expect(await put(padded(256 * 1024 + 1))).toMatchObject({ status: 413, slug: 'too-large' });
  });

  test('deep nesting, poisoned names and prototypes are 400 and change nothing', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(await put(deep)).toMatchObject(invalid);
    expect(await put(`{"a":${deep}}`)).toMatchObject(invalid);
    expect(await put('{"__proto__":{"holdMinutes":7}}')).toMatchObject({ ...invalid, paths: ['__proto__'] });
    expect(await put('{"constructor":{"prototype":{"x":1}}}')).toMatchObject({
      ...invalid,
      paths: ['constructor'],
    });
    expect(await put('{"a\\u0000b":1}')).toMatchObject({ ...invalid, paths: ['a\\0b'] });
    expect(await put('{"\\ud800":1}')).toMatchObject(invalid);
    expect(({} as Record<string, unknown>).holdMinutes).toBeUndefined();
  });

  test('of a repeated field the last one counts', async () => {
    expect((await put('{"holdMinutes":5,"holdMinutes":6}')).json.holdMinutes).toBe(6);
    expect(await put('{"holdMinutes":6,"holdMinutes":-6}')).toMatchObject({
      ...invalid,
      paths: ['holdMinutes'],
    });
  });

  test('ten thousand lines are refused', async () => {
    const body = goods.order({ lines: Array.from({ length: 10_000 }, () => ({ sku: 'x', quantity: 1 })) });
    const answer = await api.send('POST', '/v1/orders', { key: shop.channel, body });
    expect([400, 413]).toContain(answer.status);
  });
});

describe('paths and methods', () => {
  test.each(['/', '/v1', '/v2/skus', '/v1/skus/a/b', '/V1/skus', '/v1//skus', '/admin', '/.env'])(
    '%s is not found',
    async (unknown) => {
      expect(await api.send('GET', unknown, { key: shop.ops })).toMatchObject({
        status: 404,
        slug: 'not-found',
      });
    },
  );

  test('another method of a known path is 405 and says which are allowed', async () => {
    expect(await api.send('PATCH', path, { key: shop.ops, body: {} })).toMatchObject({
      status: 405,
      slug: 'method-not-allowed',
      headers: { allow: 'PUT, GET, HEAD' },
    });
    expect((await api.send('DELETE', '/v1/orders', { key: shop.ops })).status).toBe(405);
    expect((await api.send('POST', '/healthz')).status).toBe(405);
  });

  test('HEAD answers like GET, without the body', async () => {
    expect(await api.send('HEAD', '/v1/skus', { key: shop.ops })).toMatchObject({ status: 200, text: '' });
  });

  test.each(['/v1/skus/%', '/v1/skus/%zz', '/v1/skus/%ff', '/v1/skus?limit=%', '/v1/skus?%zz=1'])(
    'bad percent-encoding in %s is 400',
    async (bad) => {
      expect(await api.send('GET', bad, { key: shop.ops })).toMatchObject(invalid);
    },
  );

  test('errors are problem documents without a trace of our insides', async () => {
    const answer = await api.send('GET', '/v1/skus/nothing', { key: shop.ops });
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.json).toEqual({
      type: 'urn:xianda:problem:not-found',
      title: 'There is no such thing',
      status: 404,
      detail: 'There is no SKU nothing.',
    });
    expect(answer.headers['x-powered-by']).toBeUndefined();
    expect(answer.headers['content-security-policy']).toContain("script-src 'self'");
  });
});

describe('plumbing', () => {
  const children: Http2Server[] = [];
  afterAll(() => {
    for (const server of children) server.close();
  });

  /** A gRPC health service that answers with one status. */
  async function fakeTemporal(status: number): Promise<string> {
    const server = createServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    children.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('healthz says that the process is up', async () => {
    expect(await api.send('GET', '/healthz')).toMatchObject({ status: 200, json: { ok: true } });
  });

  test('readyz tells of database and Temporal; only the database’s absence is 503', async () => {
    expect(await api.send('GET', '/readyz')).toMatchObject({
      status: 200,
      json: {
        ok: true,
        database: { ok: true },
        temporal: { ok: false, reason: 'TEMPORAL_ADDRESS is not set' },
      },
    });
    for (const [status, ok] of [
      [1, true],
      [2, false],
    ] as const) {
      const other = await startApi({ temporalAddress: await fakeTemporal(status) });
      try {
        expect(await other.send('GET', '/readyz')).toMatchObject({
          status: 200,
          json: { ok: true, temporal: { ok } },
        });
      } finally {
        await other.close();
      }
    }
  });

  test('readyz knows the real Temporal', async () => {
    const other = await startApi({ temporalAddress: testTemporal().address });
    try {
      expect((await other.send('GET', '/readyz')).json.temporal).toEqual({ ok: true, reason: 'serving' });
    } finally {
      await other.close();
    }
  });

  test('while the database is away everything that needs it is 503 with Retry-After', async () => {
    const other = await startApi({
      databaseUrl: 'postgres://postgres@127.0.0.1:1/none',
      temporalAddress: '127.0.0.1:1',
    });
    try {
      const away = { status: 503, headers: { 'retry-after': '1' } };
      expect(await other.send('GET', '/readyz')).toMatchObject({
        ...away,
        json: {
          ok: false,
          database: { ok: false, reason: 'ECONNREFUSED' },
          temporal: { ok: false, reason: 'ECONNREFUSED' },
        },
      });
      expect(await other.send('GET', '/v1/skus', { key: shop.ops })).toMatchObject({
        ...away,
        slug: 'unavailable',
      });
      expect(
        await other.send('PUT', '/v1/tenants/x', { key: platformKey, body: { name: 'x' } }),
      ).toMatchObject({ ...away, slug: 'unavailable' });
      expect(await other.send('GET', '/healthz')).toMatchObject({ status: 200 });
      expect((await other.send('GET', '/metrics')).text).toContain('xianda_outbox_backlog_seconds Nan');
    } finally {
      await other.close();
    }
  });

  test('metrics count requests by route, orders by outcome, and the age of the outbox', async () => {
    await api.send('GET', '/v1/skus/some-sku', { key: shop.ops });
    await api.send('POST', '/v1/orders', {
      key: shop.channel,
      body: goods.order({ lines: [{ sku: 'none', quantity: 1 }] }),
    });
    const { text, headers } = await api.send('GET', '/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(
      /xianda_http_request_seconds_count\{method="GET",route="\/v1\/skus\/\{sku\}",status="404"\} \d+/,
    );
    expect(text).toContain('xianda_intake_orders_total{outcome="unknownSku"} 1');
    expect(text).toMatch(/xianda_outbox_backlog_seconds\{precedence="urgent"\} 0\n/);
    expect(text).not.toContain('some-sku');
  });
});

test('logs carry ids and routes, and nothing of what was said', async () => {
  const lines: string[] = [];
  const log = createLogger({
    role: 'api',
    level: 'trace',
    destination: { write: (line) => void lines.push(line) },
  });
  const told = await startApi({}, log);
  try {
    const keys = await told.tenant('logged');
    await goods.givenShop(told, keys);
    const buyer = { ref: 'buyer-ref', communityId: 'biyun', name: '李女士', phone: '13800001111' };
    const body = goods.order({ externalId: 'external-secret', buyer, notes: { buyer: '放门口' } });
    const placed = await told.send('POST', '/v1/orders', { key: keys.channel, body });
    expect(placed.status).toBe(201);
    await told.send('POST', '/v1/orders', {
      key: keys.channel,
      body: { ...body, buyer: { ...buyer, phone: 1 } },
    });
    await told.send('GET', '/v1/orders?externalId=external-secret', { key: keys.ops });
    const text = lines.join('');
    expect(text).toContain('"route":"/v1/orders","status":201');
    expect(text).toContain('"tenant":"logged"');
    for (const word of [
      '李女士',
      '13800001111',
      'buyer-ref',
      '放门口',
      'external-secret',
      keys.channel,
      keys.ops,
      platformKey,
    ]) {
      expect(text).not.toContain(word);
    }
  } finally {
    await told.close();
  }
});
