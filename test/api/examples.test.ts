import { Client, Connection } from '@temporalio/client';
import { examples, type Example } from '../../src/api/examples';
import { routes } from '../../src/api/routes';
import { outcomeStatus } from '../../src/api/http/route';
import { planFulfilment } from '../../src/db/fulfilment';
import { expectCoherent, publishNews } from '../support/expectCoherent';
import { givenHandOut } from '../support/presaleFixtures';
import { removeSchedules } from '../support/schedules';
import { testTemporal } from '../support/servers';
import {
  type Answer,
  type ApiUnderTest,
  expectStatus,
  platformKey,
  startApi,
  type TenantKeys,
} from './support/apiUnderTest';
import { givenForecast } from './support/forecasts';
import { tellCarrier, tellPayment } from './support/sign';

let api: ApiUnderTest;
let connection: Connection;
let client: Client;
let keys: TenantKeys | undefined;

const aggregation = 'acme:presale-aggregation';

beforeAll(async () => {
  const { address, namespace } = testTemporal();
  api = await startApi({ temporalAddress: address, temporalNamespace: namespace });
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  await removeSchedules(client, aggregation);
  await client.schedule.create({
    scheduleId: aggregation,
    spec: { calendars: [{ hour: 3 }] },
    action: { type: 'startWorkflow', workflowType: 'nobodyWorkflow', taskQueue: 'examples', args: [] },
  });
});
afterAll(async () => {
  await removeSchedules(client, aggregation);
  for await (const { workflowId } of client.workflow.list({
    query: "TaskQueue = 'examples' AND ExecutionStatus = 'Running'",
  })) {
    await client.workflow.getHandle(workflowId).terminate();
  }
  await connection.close();
  await api.close();
});

/** What the documentation shows as drawn at random, or as a day to come, and what it is in this run. */
interface Drawn {
  params: Record<string, string>;
  body?: object;
}

/** Runs before an example, standing for the processes that are not here: worker and dispatch. */
const meanwhile: Record<string, () => Promise<Partial<Drawn>>> = {
  'GET /v1/shipments': async () => {
    const orderId = (await read('/v1/orders?externalId=20261124-0007')).items[0].orderId;
    await planFulfilment(api.database.as('xianda_app'), { tenant: 'acme', orderId });
    return {};
  },
  'POST /v1/attention/{attentionId}/resolve': async () => {
    const { items } = await read('/v1/attention?reason=paidShort');
    return { params: { attentionId: items[0].attentionId } };
  },
  'POST /v1/orders/{orderId}/offers/{offerId}/answer': async () => {
    await givenHandOut(api.database, 'acme', { campaignId: 'new-year' });
    const { offers } = (await read('/v1/orders?externalId=20261124-0009')).items[0];
    const refund = offers.find(({ kind }: { kind: string }) => kind === 'refund');
    return { params: { offerId: refund.offerId } };
  },
  'POST /v1/webhook-endpoints/{endpointId}/deliveries/{deliveryId}/resend': async () => {
    const { items } = await read('/v1/webhook-endpoints/shop-events/deliveries');
    return { params: { deliveryId: items[0].deliveryId } };
  },
  'GET /v1/events': async () => {
    await publishNews(api.database);
    return {};
  },
  'GET /v1/suppliers/{supplierId}/forecasts': async () => {
    await givenForecast(api, 'acme', { supplierId: 'dandong-farm' });
    return {};
  },
  'POST /v1/supplier-forecasts/{forecastId}/answer': async () => {
    const { forecastId, lines } = (await read('/v1/suppliers/dandong-farm/forecasts')).items[0];
    const { sku, date } = lines[3];
    return { params: { forecastId }, body: { lines: [{ sku, date, confirmed: 30 }] } };
  },
};

async function read(path: string) {
  return expectStatus(await api.send('GET', path, { key: keys?.ops }), 200).json;
}

async function send(example: Example, drawn: Drawn): Promise<Answer> {
  const [method = '', template = ''] = example.route.split(' ');
  const params = { ...example.params, ...drawn.params };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const query = new URLSearchParams(example.query).toString();
  const body = drawn.body ?? example.body;
  if (example.as === 'signed' && body !== undefined) {
    return template.startsWith('/v1/payments')
      ? tellPayment(api, { body })
      : tellCarrier(api, String(example.params?.carrierId), { body });
  }
  if (example.as !== 'platform') keys ??= await api.tenant('acme');
  const key = example.as === 'platform' ? platformKey : keys?.[example.as as keyof TenantKeys];
  return api.send(method, query === '' ? path : `${path}?${query}`, { key, body });
}

const changing = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$|^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Masks what differs from run to run, so that the rest can be compared word for word. */
function settled(value: unknown): unknown {
  if (typeof value === 'string') return changing.test(value) ? '…' : value;
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, settled(part)]));
}

test('every example of the documentation is answered as it says, one after the other', async () => {
  for (const example of examples) {
    const drawn = await meanwhile[example.route]?.();
    const answer = await send(example, { params: {}, ...drawn });
    const about = `${example.route}: ${example.summary}`;
    expect({ about, status: answer.status, text: answer.text }).toMatchObject({
      about,
      status: outcomeStatus[example.outcome],
    });
    if (example.answer) expect(settled(answer.json)).toMatchObject(settled(example.answer) as object);
  }
  await expectCoherent(api.database);
});

test('every example belongs to a route, and its names are that route’s parameters', () => {
  const known = new Map(routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route]));
  for (const { route, params = {} } of examples) {
    expect(known.has(route) ? '' : route).toBe('');
    expect(Object.keys(params).sort()).toEqual(
      [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(),
    );
  }
});

/** Reading one of what a PUT example has made, or a list of them, needs no example of its own. */
const selfEvident = /^(GET|DELETE) /;

test('whatever takes a body is shown by an example', () => {
  const shown = new Set(examples.map(({ route }) => route));
  const bare = routes
    .map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    .filter((route) => !selfEvident.test(route) && !shown.has(route));
  expect(bare).toEqual([]);
});
