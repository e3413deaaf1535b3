import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createXianda, expectData, slugOf, type XiandaProblem } from '../../src/sdk/client';

interface Heard {
  method?: string;
  url?: string;
  authorization?: string;
  body: string;
}

let server: Server;
let baseUrl: string;
let heard: Heard[];
/** What the server does with each request, in turn; the last one for ever. */
let script: { status: number; headers?: Record<string, string>; body?: unknown; drop?: boolean }[];

beforeEach(async () => {
  heard = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      heard.push({
        method,
        url,
        authorization: headers.authorization,
        body: Buffer.concat(chunks).toString(),
      });
      const step = script.length > 1 ? script.shift() : script[0];
      if (!step || step.drop) return request.socket.destroy();
      response.writeHead(step.status, { 'content-type': 'application/json', ...step.headers });
      response.end(step.body === undefined ? '' : JSON.stringify(step.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const order = {
  channel: 'shop',
  externalId: '1',
  buyer: { ref: 'u' },
  lines: [{ sku: 'milk', quantity: 2 }],
};

test('parameters, key and body arrive as the routes want them', async () => {
  script = [{ status: 200, body: { items: [], nextCursor: null } }];
  const api = createXianda({ baseUrl: `${baseUrl}/`, key: 'k' });
  await expectData(api.GET('/v1/sellable', { params: { query: { sku: ['a', 'b c'] } } }));
  await api.GET('/v1/orders/{orderId}', { params: { path: { orderId: 'o:1' } } });
  expect(heard).toMatchObject([
    { method: 'GET', url: '/v1/sellable?sku=a&sku=b%20c', authorization: 'Bearer k' },
    { method: 'GET', url: '/v1/orders/o%3A1' },
  ]);
});

test('what got no answer is sent again with the same body, until there is one', async () => {
  script = [{ status: 503 }, { status: 0, drop: true }, { status: 429 }, { status: 201, body: { ok: 1 } }];
  let retries = 0;
  const api = createXianda({ baseUrl, key: 'k', onRetry: () => (retries += 1) });
  const { data, response } = await api.POST('/v1/orders', { body: order });
  expect({ data, status: response.status, retries }).toEqual({ data: { ok: 1 }, status: 201, retries: 3 });
  expect(heard.map(({ body }) => JSON.parse(body))).toEqual([order, order, order, order]);
});

test('a refusal is an answer: told once, with its slug', async () => {
  script = [{ status: 409, body: { type: 'urn:xianda:problem:sold-out', status: 409, detail: 'none left' } }];
  const api = createXianda({ baseUrl, key: 'k' });
  const answer = await api.POST('/v1/orders', { body: order });
  expect(slugOf(answer)).toBe('sold-out');
  expect(heard).toHaveLength(1);
  const thrown = await expectData(api.POST('/v1/orders', { body: order })).catch((error: unknown) => error);
  expect(thrown as XiandaProblem).toMatchObject({
    name: 'XiandaProblem',
    status: 409,
    slug: 'sold-out',
    message: expect.stringContaining('none left'),
  });
});

test('patience ends with an error that says what was last heard', async () => {
  script = [{ status: 503, headers: { 'retry-after': '1' } }];
  const api = createXianda({ baseUrl, patienceMs: 300 });
  await expect(api.GET('/v1/orders')).rejects.toMatchObject({
    message: expect.stringMatching(/GET .*\/v1\/orders got no answer in 0.3 s/),
    cause: 'status 503',
  });
});
