import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventEnvelope, envelopeOf } from '../../src/clients/webhook/eventWire';
import { createWebhookSecret, webhookHeaders } from '../../src/clients/webhook/signature';
import type { RunningSandbox } from '../../src/sandbox/server';
import { runSupplierSandbox } from '../../src/sandbox/supplier/server';
import { startSandboxChild } from './support/sandboxChild';
import { call, eventually } from './support/shop';

interface Asked {
  path: string;
  authorization: string | undefined;
  lines: { sku: string; date: string; confirmed: number }[];
}

/** The brand's API as a supplier sees it. */
async function openBrand() {
  const asked: Asked[] = [];
  let status = (_nth: number): number => 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { lines } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Pick<Asked, 'lines'>;
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization, lines });
      response.writeHead(status(asked.length - 1)).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answerWith(next: (nth: number) => number) {
      status = next;
    },
    close: () => new Promise((done) => server.close(done).closeAllConnections()),
  };
}

const secret = createWebhookSecret();
let folder: string;
let brand: Awaited<ReturnType<typeof openBrand>>;
let sandbox: RunningSandbox;
let sent = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xianda-supplier-'));
  brand = await openBrand();
  sandbox = await runSupplierSandbox({ port: 0, dataFile: join(folder, 'supplier.jsonl') });
  await openAccount(sandbox.url);
});
afterEach(async () => {
  await sandbox.close().catch(() => undefined);
  await brand.close();
  await rm(folder, { recursive: true });
});

const openAccount = (url: string) =>
  call('PUT', `${url}/v1/accounts/demo:farm`, { apiUrl: brand.url, key: 'farm-key', secrets: [secret] });

function forecast(forecastId: string) {
  sent += 1;
  const line = (region: string, date: string, p50: number) => ({
    sku: 'apple',
    region,
    date,
    p10: 0,
    p50,
    p90: 99,
  });
  return envelopeOf({
    tenant: 'demo',
    eventId: `event${sent}`,
    type: 'forecast.published',
    subject: forecastId,
    at: new Date(),
    data: {
      forecastId,
      madeAt: new Date().toISOString(),
      lines: [line('east', '2026-12-01', 7), line('west', '2026-12-01', 4), line('east', '2026-12-02', 5)],
    },
  });
}

function post(event: EventEnvelope, by: { secret?: string; url?: string; account?: string } = {}) {
  const rawBody = JSON.stringify(event);
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = webhookHeaders([by.secret ?? secret], { webhookId: event.id, timestampSeconds, rawBody });
  return call('POST', `${by.url ?? sandbox.url}/webhooks/${by.account ?? 'demo:farm'}`, rawBody, headers);
}

const received = async (url = sandbox.url) =>
  (await call('GET', `${url}/v1/received`)).body.items as {
    verified: boolean;
    repeat: boolean;
    reason?: string;
    type: string;
    forecastIds: string[];
    answers: { policy: string; status: number | null; ended: boolean }[];
  }[];
const control = (rule: object) => call('POST', `${sandbox.url}/v1/control`, rule);
const full = [
  { sku: 'apple', date: '2026-12-01', confirmed: 11 },
  { sku: 'apple', date: '2026-12-02', confirmed: 5 },
];

test('a signed forecast is taken, verified, written down and answered with the supplier’s own key', async () => {
  expect((await post(forecast('f1'))).status).toBe(200);
  await eventually(() => brand.asked.length === 1);
  expect(brand.asked[0]).toEqual({
    path: '/v1/supplier-forecasts/f1/answer',
    authorization: 'Bearer farm-key',
    lines: full,
  });
  await eventually(async () => (await received())[0]?.answers.length === 1);
  expect(await received()).toMatchObject([
    {
      verified: true,
      repeat: false,
      forecastIds: ['f1'],
      answers: [{ policy: 'confirm', status: 200, ended: true }],
    },
  ]);
});

test('what nobody signed, or somebody else, is refused and written down; nothing is answered', async () => {
  expect(await post(forecast('f1'), { secret: createWebhookSecret() })).toMatchObject({ status: 401 });
  expect((await call('POST', `${sandbox.url}/webhooks/demo:farm`, forecast('f2'))).status).toBe(401);
  expect((await post(forecast('f3'), { account: 'demo:nobody' })).status).toBe(404);
  expect(await received()).toMatchObject([
    { verified: false, reason: 'mismatch', forecastIds: [] },
    { verified: false, reason: 'missing', forecastIds: [] },
  ]);
  expect(brand.asked).toEqual([]);
});

test('the same webhook again is taken and not answered again; other events are left alone', async () => {
  const event = forecast('f1');
  await post(event);
  expect((await post(event)).status).toBe(200);
  expect((await post({ ...forecast('f2'), type: 'order.paid' })).status).toBe(200);
  await eventually(() => brand.asked.length === 1);
  expect((await received()).map(({ type, repeat }) => [type, repeat])).toEqual([
    ['forecast.published', false],
    ['forecast.published', true],
    ['order.paid', false],
  ]);
});

test('on request it cuts, is late, says it twice, or never answers', async () => {
  await control({ answer: 'cut', cutPercent: 50 });
  await post(forecast('cut'));
  await eventually(() => brand.asked.length === 1);
  expect(brand.asked[0]?.lines.map((line) => line.confirmed)).toEqual([5, 2]);

  await control({ answer: 'never' });
  await post(forecast('never'));
  await control({ answer: 'late', answerDelayMs: 300 });
  const before = Date.now();
  await post(forecast('late'));
  await eventually(() => brand.asked.length === 2);
  expect(Date.now() - before).toBeGreaterThanOrEqual(300);

  await control({ answer: 'twice' });
  await post(forecast('twice'));
  await eventually(() => brand.asked.length === 4);
  expect(brand.asked.slice(2).map((asked) => asked.path.split('/')[3])).toEqual(['twice', 'twice']);
  await call('DELETE', `${sandbox.url}/v1/control`);
  expect((await call('GET', `${sandbox.url}/v1/control`)).body).toMatchObject({
    rules: [],
    answer: 'confirm',
  });
});

test('on request its webhook fails, and nothing is taken', async () => {
  await control({ route: 'webhook', behaviour: 'status500', count: 1 });
  await control({ route: 'webhook', behaviour: 'status429', count: 1 });
  const event = forecast('f1');
  expect([(await post(event)).status, (await post(event)).status, (await post(event)).status]).toEqual([
    500, 429, 200,
  ]);
  expect(await received()).toHaveLength(1);
});

test('a brand that is away is answered when it is back; one that refuses is left alone', async () => {
  brand.answerWith((nth) => (nth === 0 ? 503 : 200));
  await post(forecast('f1'));
  await eventually(() => brand.asked.length === 2);
  brand.answerWith(() => 404);
  await post(forecast('f2'));
  await eventually(async () => (await received())[1]?.answers.length === 1);
  expect((await received()).map(({ answers }) => answers.map((each) => each.status))).toEqual([
    [503, 200],
    [404],
  ]);
});

test('killed before it answered, it answers when it is back', async () => {
  await sandbox.close();
  const options = { dataFile: join(folder, 'killed.jsonl') };
  const first = await startSandboxChild('supplier', options);
  await openAccount(first.url);
  await call('POST', `${first.url}/v1/control`, { answer: 'late', answerDelayMs: 1500 });
  expect((await post(forecast('f1'), { url: first.url })).status).toBe(200);
  await first.kill();
  expect(brand.asked).toEqual([]);
  const second = await startSandboxChild('supplier', options);
  await eventually(() => brand.asked.length === 1, 15_000);
  expect(brand.asked[0]?.lines).toEqual(full);
  await second.kill();
});

test('a fortnight of a large catalogue fits', async () => {
  const event = forecast('large');
  const lines = Array.from({ length: 20_000 }, (_, index) => ({
    sku: `sku-${index % 1500}`,
    region: `region-${Math.floor(index / 1500)}`,
    date: '2026-12-01',
    p10: 0,
    p50: 1,
    p90: 2,
  }));
  expect((await post({ ...event, data: { ...event.data, lines } })).status).toBe(200);
  await eventually(() => brand.asked.length === 2);
  expect(brand.asked.flatMap((asked) => asked.lines)).toHaveLength(1500);
});
