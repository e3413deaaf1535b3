import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Resolve } from '../../../src/clients/reach';
import { createWebhookSender, type WebhookSenderNeeds } from '../../../src/clients/webhook/send';
import { createWebhookSecret } from '../../../src/clients/webhook/signature';
import { selfSigned } from './selfSigned';

interface Received {
  method?: string;
  url?: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const secrets = [createWebhookSecret(), createWebhookSecret()];
const rawBody = '{"specversion":"1.0","data":{"名":"草莓"}}';
let received: Received[];
let answer: RequestListener;
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

beforeEach(() => {
  received = [];
  answer = (_, response) => response.writeHead(204).end();
});

function send(url: string, needs: Partial<WebhookSenderNeeds> = {}, body = rawBody) {
  const sender = createWebhookSender({ loopbackAllowed: true, timeoutMs: 2000, ...needs });
  return sender.send({ url, secrets, webhookId: 'e1', rawBody: body });
}

const here = (path = '/hook') => `http://127.0.0.1:${port}${path}`;

test('posts the signed document; the receiver verifies it with either secret', async () => {
  expect(await send(here('/hook?x=1'))).toEqual({
    kind: 'delivered',
    status: 204,
    durationMs: expect.any(Number) as number,
  });
  const [message] = received;
  expect(message).toMatchObject({
    method: 'POST',
    url: '/hook?x=1',
    body: rawBody,
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'webhook-id': 'e1',
      'content-length': String(Buffer.byteLength(rawBody)),
    },
  });
  for (const secret of secrets) {
    const headers = message?.headers as Record<string, string>;
    expect(new Webhook(secret).verify(message?.body ?? '', headers)).toEqual(JSON.parse(rawBody));
  }
});

test.each([
  [302, { kind: 'failed', status: 302, problem: 'answered 302, and redirects are not followed' }],
  [400, { kind: 'failed', status: 400, problem: 'answered 400' }],
  [410, { kind: 'gone', status: 410, problem: 'answered 410, gone' }],
  [503, { kind: 'failed', status: 503, problem: 'answered 503', retryAfterSeconds: 17 }],
])('an answer of %i', async (status, outcome) => {
  answer = (_, response) => response.writeHead(status, { 'Retry-After': '17' }).end('a buyer’s address');
  expect(await send(here())).toMatchObject(outcome);
});

test('a redirect is not followed, wherever it leads', async () => {
  answer = (_, response) => response.writeHead(307, { Location: here('/elsewhere') }).end();
  await send(here());
  expect(received.map(({ url }) => url)).toEqual(['/hook']);
});

test('who never answers is given up in time', async () => {
  answer = () => undefined;
  expect(await send(here(), { timeoutMs: 100 })).toMatchObject({
    kind: 'failed',
    problem: 'no answer within 100 ms',
  });
});

test('the status is the answer: a body that never ends is cut off', async () => {
  answer = (_, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write('x'.repeat(10_000)), 1);
    response.on('close', () => clearInterval(drip));
  };
  expect(await send(here())).toMatchObject({ kind: 'delivered', status: 200 });
});

test('a body that drips is cut off when the time is up, and the status stands', async () => {
  answer = (_, response) => response.writeHead(200).write('x');
  expect(await send(here(), { timeoutMs: 100 })).toMatchObject({ kind: 'delivered', status: 200 });
});

test('headers without end are a failure, not our memory', async () => {
  answer = (_, response) => response.writeHead(200, { 'X-Long': 'x'.repeat(100_000) }).end();
  expect(await send(here())).toMatchObject({
    kind: 'failed',
    problem: 'could not be reached (HPE_HEADER_OVERFLOW)',
  });
});

test('too large a document is not sent', async () => {
  expect(await send(here(), {}, 'x'.repeat(4 * 1024 * 1024 + 1))).toMatchObject({
    kind: 'failed',
    problem: 'not sent: larger than 4 MiB',
  });
  expect(received).toEqual([]);
});

test('nobody there is a failure with the system’s code', async () => {
  const closed = createServer();
  await new Promise<void>((done) => closed.listen(0, '127.0.0.1', done));
  const freed = (closed.address() as AddressInfo).port;
  await new Promise((done) => closed.close(done));
  expect(await send(`http://127.0.0.1:${freed}/`)).toMatchObject({
    problem: 'could not be reached (ECONNREFUSED)',
  });
});

test('a certificate that nobody vouches for is refused', async () => {
  const tls = createTlsServer(selfSigned, (_, response) => response.end());
  await new Promise<void>((done) => tls.listen(0, '127.0.0.1', done));
  const outcome = await send(`https://127.0.0.1:${(tls.address() as AddressInfo).port}/`);
  await new Promise((done) => tls.close(done));
  expect(outcome).toMatchObject({
    kind: 'failed',
    problem: 'could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
  });
});

describe('addresses', () => {
  const loopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];

  test('a literal loopback address is not called in production', async () => {
    expect(await send(here(), { loopbackAllowed: false })).toMatchObject({
      problem: 'not called: its address is not public',
    });
    expect(received).toEqual([]);
  });

  test('a public name that leads to loopback is called in development alone', async () => {
    const url = `http://hook.example.com:${port}/hook`;
    expect(await send(url, { resolve: loopback })).toMatchObject({ kind: 'delivered' });
    expect(await send(url, { resolve: loopback, loopbackAllowed: false })).toMatchObject({
      problem: 'not called: its name leads to an address that is not public',
    });
    expect(received).toHaveLength(1);
  });

  test('the address that was judged is the one connected to: a name gets no second look-up', async () => {
    let looks = 0;
    const rebinding: Resolve = async () => {
      looks += 1;
      // first a public address that nobody answers at, then our own machine
      return [{ address: looks === 1 ? '192.0.1.1' : '127.0.0.1', family: 4 }];
    };
    const url = `http://rebind.example.com:${port}/`;
    const needs = { resolve: rebinding, loopbackAllowed: false, timeoutMs: 300 };
    expect(await send(url, needs)).toMatchObject({ kind: 'failed' });
    expect(looks).toBe(1);
    expect(await send(url, needs)).toMatchObject({
      problem: 'not called: its name leads to an address that is not public',
    });
    expect(received).toEqual([]);
  });

  test('one private address among public ones spoils the name', async () => {
    const mixed: Resolve = async () => [
      { address: '1.1.1.1', family: 4 },
      { address: 'fd00::1', family: 6 },
    ];
    expect(await send('https://mixed.example.com/', { resolve: mixed })).toMatchObject({
      problem: 'not called: its name leads to an address that is not public',
    });
  });

  test('a name without address, and one the DNS does not answer for', async () => {
    expect(await send('https://none.example.com/', { resolve: async () => [] })).toMatchObject({
      kind: 'failed',
    });
    const failing: Resolve = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
    expect(await send('https://none.example.com/', { resolve: failing })).toMatchObject({
      problem: 'could not be reached (ENOTFOUND)',
    });
    expect(
      await send('https://slow.example.com/', { resolve: () => new Promise(() => undefined), timeoutMs: 50 }),
    ).toMatchObject({ problem: 'no answer within 50 ms' });
  });
});
