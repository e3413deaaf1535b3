import { examples, type Example } from '../../src/api/examples';
import { routes } from '../../src/api/routes';
import { outcomeStatus } from '../../src/api/http/route';
import { planFulfilment } from '../../src/db/fulfilment';
import { expectCoherent } from '../support/expectCoherent';
import {
  type Answer,
  type ApiUnderTest,
  platformKey,
  startApi,
  type TenantKeys,
} from './support/apiUnderTest';
import { tellCarrier, tellPayment } from './support/sign';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** What the documentation shows as drawn at random, and what it is in this run. */
type Drawn = Record<string, string>;

/** Runs before an example, standing for the processes that are not here: worker and dispatch. */
const meanwhile: Record<string, (drawn: Drawn) => Promise<void>> = {
  'GET /v1/shipments': planFirstOrder,
  'POST /v1/attention/{attentionId}/resolve': async (drawn) => {
    const { json } = await api.send('GET', '/v1/attention', { key: keys?.ops });
    drawn.attentionId = json.items.find(
      (item: { reason: string }) => item.reason === 'paidShort',
    ).attentionId;
  },
};

let keys: TenantKeys | undefined;

async function planFirstOrder(): Promise<void> {
  const paid = await api.send('GET', '/v1/orders?externalId=20261124-0007', { key: keys?.ops });
  const { orderId } = paid.json.items[0];
  await planFulfilment(api.database.as('xianda_app'), { tenant: 'acme', orderId });
}

async function send(example: Example, drawn: Drawn): Promise<Answer> {
  const [method = '', template = ''] = example.route.split(' ');
  const params = { ...example.params, ...drawn };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const query = new URLSearchParams(example.query).toString();
  const { body } = example;
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
  const drawn: Drawn = {};
  for (const example of examples) {
    await meanwhile[example.route]?.(drawn);
    const answer = await send(example, drawn);
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
