import { findNamed } from '../../db/named.read';
import type { TenantTx } from '../../db/transaction';
import { endpointSource, findEndpointOwner, listDeliveries, listEndpoints } from '../../db/webhook.read';
import { enableEndpoint, putEndpoint, removeEndpoint, resendDelivery } from '../../db/webhookEndpoint';
import type { Principal } from '../http/auth';
import { pageAnswer, pageOf, pageSchema } from '../http/page';
import { invalid, Problem } from '../http/problem';
import { defineRoute, empty, noBody, nothing, ok, type Route } from '../http/route';
import { integer } from '../http/schema';
import { expectOwn, isOwn, noEndpoint } from './owner';
import {
  deliveriesQuery,
  deliveryAnswer,
  deliveryParams,
  endpointAnswer,
  endpointBody,
  endpointIdText,
  endpointParams,
  endpointsQuery,
  resentAnswer,
} from './schema';
import { expectWebhookUrl } from './webhookUrl';

const tag = 'Webhooks';
const makers = ['ops', 'channel'] as const;
const readers = ['ops', 'channel', 'supplier'] as const;
const one = '/v1/webhook-endpoints/{endpointId}';

/** A channel's key makes endpoints of channels alone, and of its own when it is bound to one. */
function expectChannel(principal: Principal, channel: string | undefined): void {
  if (principal.role !== 'channel') return;
  if (principal.channel !== null && channel !== undefined && channel !== principal.channel) {
    throw new Problem('forbidden', { detail: `This key speaks for channel ${principal.channel} only.` });
  }
  if (principal.channel === null && channel === undefined) {
    throw invalid([{ path: 'channel', expected: 'the channel it is for', received: 'nothing' }]);
  }
}

function expectNotSuppliers(endpointId: string): void {
  if (!endpointId.startsWith('supplier:')) return;
  throw invalid([
    {
      path: 'endpointId',
      expected: 'an id that does not begin with supplier: (set the supplier’s webhookUrl instead)',
      received: 'a supplier’s endpoint',
    },
  ]);
}

async function show(tx: TenantTx, endpointId: string): Promise<object> {
  const found = await findNamed<object>(tx, endpointSource, endpointId);
  if (found === null) throw noEndpoint(endpointId);
  return found;
}

const endpointRoutes: Route[] = [
  defineRoute({
    method: 'put',
    path: one,
    tag,
    summary: 'Make or replace an endpoint; what it wants counts from now on',
    access: makers,
    params: endpointParams,
    body: endpointBody,
    answers: { ok: endpointAnswer },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId }, body, principal }) {
      expectNotSuppliers(endpointId);
      expectChannel(principal, body.channel);
      expectWebhookUrl({ path: 'url', url: body.url, mode: deps.settings.mode });
      const bound = principal.role === 'channel' ? (principal.channel ?? undefined) : undefined;
      return ok(
        await deps.app.inTenant(tenant, async (tx) => {
          const owner = await findEndpointOwner(tx, endpointId);
          if (owner !== null && !isOwn(principal, owner)) throw noEndpoint(endpointId);
          await putEndpoint(tx, endpointId, { ...body, channel: bound ?? body.channel });
          return show(tx, endpointId);
        }),
      );
    },
  }),
  defineRoute({
    method: 'get',
    path: one,
    tag,
    summary: 'Read an endpoint: how it does and what waits',
    access: readers,
    params: endpointParams,
    answers: { ok: endpointAnswer },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId }, principal }) {
      return ok(
        await deps.app.inTenant(tenant, async (tx) => {
          await expectOwn(tx, principal, { endpointId });
          return show(tx, endpointId);
        }),
      );
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/webhook-endpoints',
    tag,
    summary: 'List endpoints, by id',
    access: readers,
    query: endpointsQuery,
    answers: { ok: pageSchema(endpointAnswer) },
    async handle({ deps, tenant, query, principal }) {
      const page = pageOf(query, endpointIdText);
      const mine = {
        channels: principal.role === 'channel',
        channel: principal.role === 'channel' ? principal.channel : null,
        supplierId: principal.role === 'supplier' ? principal.supplierId : null,
      };
      return ok(pageAnswer(await deps.app.inTenant(tenant, (tx) => listEndpoints(tx, mine, page))));
    },
  }),
  defineRoute({
    method: 'delete',
    path: one,
    tag,
    summary: 'Remove an endpoint; what was on its way is given up, its log stays',
    access: makers,
    params: endpointParams,
    answers: { empty: noBody },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId }, principal }) {
      expectNotSuppliers(endpointId);
      await deps.app.inTenant(tenant, async (tx) => {
        await expectOwn(tx, principal, { endpointId });
        await removeEndpoint(tx, endpointId);
      });
      return empty;
    },
  }),
  defineRoute({
    method: 'post',
    path: `${one}/enable`,
    tag,
    summary: 'Begin anew: it counts as well, and what waits goes out',
    access: makers,
    params: endpointParams,
    body: nothing,
    answers: { ok: endpointAnswer },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId }, principal }) {
      return ok(
        await deps.app.inTenant(tenant, async (tx) => {
          await expectOwn(tx, principal, { endpointId });
          await enableEndpoint(tx, endpointId);
          return show(tx, endpointId);
        }),
      );
    },
  }),
];

const deliveryRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: `${one}/deliveries`,
    tag,
    summary: 'The delivery log, newest event first, each with its attempts',
    access: readers,
    params: endpointParams,
    query: deliveriesQuery,
    answers: { ok: pageSchema(deliveryAnswer) },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId }, query, principal }) {
      const page = pageOf(query, integer(1));
      const filter = { endpointId, state: query.state };
      return ok(
        pageAnswer(
          await deps.app.inTenant(tenant, async (tx) => {
            await expectOwn(tx, principal, { endpointId, orRemoved: true });
            return listDeliveries(tx, filter, page);
          }),
        ),
      );
    },
  }),
  defineRoute({
    method: 'post',
    path: `${one}/deliveries/{deliveryId}/resend`,
    tag,
    summary: 'Send it once more, under the same webhook-id',
    access: readers,
    params: deliveryParams,
    body: nothing,
    answers: { ok: resentAnswer },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { endpointId, deliveryId }, principal }) {
      await deps.app.inTenant(tenant, async (tx) => {
        await expectOwn(tx, principal, { endpointId });
        if (await resendDelivery(tx, { endpointId, eventId: deliveryId })) return;
        throw new Problem('not-found', { detail: `The endpoint has no delivery ${deliveryId}.` });
      });
      return ok({ deliveryId, state: 'pending' });
    },
  }),
];

export const webhookRoutes: Route[] = [...endpointRoutes, ...deliveryRoutes];
