import { Client, Connection } from '@temporalio/client';
import { removeSchedules } from '../support/schedules';
import { testTemporal } from '../support/servers';
import { type ApiUnderTest, startApi, type TenantKeys } from './support/apiUnderTest';

let api: ApiUnderTest;
let shop: TenantKeys;
let other: TenantKeys;
let connection: Connection;
let client: Client;
const name = `a${process.pid.toString(36)}-${Date.now().toString(36)}`;
const scheduleId = `${name}-shop:nightly`;

beforeAll(async () => {
  const { address, namespace } = testTemporal();
  api = await startApi({ temporalAddress: address, temporalNamespace: namespace });
  shop = await api.tenant(`${name}-shop`);
  other = await api.tenant(`${name}-other`);
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  await client.schedule.create({
    scheduleId,
    spec: { calendars: [{ hour: 3 }] },
    action: { type: 'startWorkflow', workflowType: 'nobodyWorkflow', taskQueue: name, args: [] },
    state: { note: 'nothing, every night' },
  });
});
afterAll(async () => {
  await removeSchedules(client, name);
  for await (const { workflowId } of client.workflow.list({ query: `TaskQueue = '${name}'` })) {
    await client.workflow.getHandle(workflowId).terminate();
  }
  await connection.close();
  await api.close();
});

const tell = (what: string, body: object = {}, { key = shop.ops, id = scheduleId } = {}) =>
  api.send('POST', `/v1/schedules/${id}/${what}`, { key, body });

test('ops trigger a schedule of their own, and see for which instant it ran', async () => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  expect(await tell('trigger')).toMatchObject({
    status: 200,
    json: { scheduleId, paused: false, nextAt: expect.stringMatching(/T03:00:00.000Z$/) },
  });
  const lastAt = async () => (await tell('unpause', { reason: 'to look' })).json.lastAt as string | null;
  let seen = await lastAt();
  while (seen === null) seen = await lastAt();
  expect(Date.parse(seen)).toBeGreaterThanOrEqual(before);
});

test('a pause says who and why, and nothing comes next until it ends', async () => {
  expect(await tell('pause', { reason: 'stocktaking' })).toMatchObject({
    status: 200,
    json: {
      paused: true,
      nextAt: null,
      note: expect.stringMatching(/^paused by ops:\S+: stocktaking$/),
    },
  });
  expect(await tell('unpause', { reason: 'done' })).toMatchObject({
    status: 200,
    json: { paused: false, nextAt: expect.any(String) },
  });
});

test('the tenant’s declared schedules are listed, page by page, and nobody else’s', async () => {
  const declared = `${shop.tenant}:presale-aggregation`;
  const list = (key: string, query = '') => api.send('GET', `/v1/schedules${query}`, { key });
  // not made yet: nothing is listed rather than something that is not there
  expect((await list(shop.ops)).json).toEqual({ items: [], nextCursor: null });
  await client.schedule.create({
    scheduleId: declared,
    spec: { intervals: [{ every: '1 hour' }] },
    action: { type: 'startWorkflow', workflowType: 'nobodyWorkflow', taskQueue: name, args: [] },
  });
  const { items } = (await list(shop.ops, '?limit=200')).json;
  expect(items).toEqual([
    {
      scheduleId: declared,
      nextAt: expect.stringMatching(/:00:00.000Z$/),
      lastAt: null,
      paused: false,
      note: '',
    },
  ]);
  expect((await list(other.ops)).json.items).toEqual([]);
  expect(await list(shop.channel)).toMatchObject({ status: 403 });
});

test('another tenant’s schedule, and one that is not there, do not exist', async () => {
  for (const what of ['trigger', 'pause', 'unpause']) {
    const body = what === 'trigger' ? {} : { reason: 'x' };
    expect(await tell(what, body, { key: other.ops })).toMatchObject({ status: 404, slug: 'not-found' });
    expect(await tell(what, body, { id: `${shop.tenant}:nothing`, key: shop.ops })).toMatchObject({
      status: 404,
    });
    expect(await tell(what, body, { key: shop.warehouse })).toMatchObject({ status: 403 });
  }
  expect((await client.schedule.getHandle(scheduleId).describe()).state.paused).toBe(false);
});

test('while Temporal is away callers are told to come back, and everything else goes on', async () => {
  const lonely = await startApi({ temporalAddress: '127.0.0.1:1' });
  const { tenant, ops: key } = await lonely.tenant('lonely');
  const answer = await lonely.send('POST', `/v1/schedules/${tenant}:nightly/trigger`, { key, body: {} });
  expect(answer).toMatchObject({ status: 503, slug: 'unavailable', headers: { 'retry-after': '5' } });
  await lonely.close();
});
