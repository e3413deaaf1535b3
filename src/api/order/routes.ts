import { answerOffer } from '../../db/offerEnd';
import { findOrder, findOrderChannel, listOrders } from '../../db/order.read';
import type { ApiDeps } from '../deps';
import type { Principal } from '../http/auth';
import { pageAnswer, pageOf, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { defineRoute, ok, type Route } from '../http/route';
import { linkToOrder } from '../http/workflowLink';
import { answerIntake, intakeRefusals } from './intakeAnswer';
import {
  acceptedAnswer,
  cancelAnswer,
  cancelBody,
  offerAnswer,
  offerBody,
  offerParams,
  orderBody,
  orderParams,
  orderPosition,
  ordersQuery,
  orderView,
} from './schema';

const tag = 'Orders';
const access = ['channel', 'ops'] as const;

/** The one channel that a key is bound to; null when it may use any. */
function channelOf(principal: Principal): string | null {
  return principal.role === 'channel' ? principal.channel : null;
}

function noOrder(orderId: string): Problem {
  return new Problem('not-found', { detail: `There is no order ${orderId}.` });
}

/** A channel's key reaches that channel's orders; others do not exist for it. */
async function refuseOtherChannels(
  { deps, tenant, principal }: { deps: ApiDeps; tenant: string; principal: Principal },
  orderId: string,
): Promise<void> {
  const own = channelOf(principal);
  if (own === null) return;
  if ((await deps.app.inTenant(tenant, (tx) => findOrderChannel(tx, orderId))) !== own)
    throw noOrder(orderId);
}

export const orderRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/orders',
    tag,
    summary: 'Place an order: accepted whole, repeated, or refused without a trace',
    access,
    limit: 'orders',
    body: orderBody,
    answers: { created: acceptedAnswer, ok: acceptedAnswer },
    refusals: intakeRefusals,
    async handle({ deps, tenant, body, actor, principal }) {
      const channel = channelOf(principal);
      if (channel !== null && channel !== body.channel) {
        throw new Problem('forbidden', { detail: `This key may only place orders of channel ${channel}.` });
      }
      const answer = await deps.intake.place(tenant, body, actor).catch((error: unknown) => {
        deps.metrics.countIntake('failed');
        throw error;
      });
      deps.metrics.countIntake(answer.kind);
      return answerIntake(answer);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders',
    tag,
    summary: 'List orders, newest first',
    access,
    query: ordersQuery,
    answers: { ok: pageSchema(orderView) },
    async handle({ deps, tenant, query, principal }) {
      const page = pageOf(query, orderPosition);
      const own = channelOf(principal);
      if (own !== null && query.channel !== undefined && query.channel !== own) {
        throw new Problem('forbidden', { detail: `This key sees orders of channel ${own} only.` });
      }
      const filter = { state: query.state, channel: own ?? query.channel, externalId: query.externalId };
      return ok(pageAnswer(await deps.app.inTenant(tenant, (tx) => listOrders(tx, filter, page))));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders/{orderId}',
    tag,
    summary: 'Read an order: lines, shipments and one timeline',
    access,
    params: orderParams,
    answers: { ok: orderView },
    refusals: ['not-found'],
    async handle({ deps, tenant, params, principal }) {
      const wanted = { orderId: params.orderId, channel: channelOf(principal) };
      const found = await deps.app.inTenant(tenant, (tx) => findOrder(tx, wanted));
      if (!found) throw noOrder(params.orderId);
      const { view, run } = found;
      if (principal.role !== 'ops') return ok(view);
      return ok({ ...view, workflow: linkToOrder(deps.settings, { tenant, orderId: params.orderId, run }) });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/orders/{orderId}/cancel',
    tag,
    summary: 'Cancel an order: done at once before picking starts, else asked',
    access,
    params: orderParams,
    body: cancelBody,
    answers: { ok: cancelAnswer },
    refusals: ['not-found'],
    async handle({ deps, tenant, params: { orderId }, body, principal, actor }) {
      await refuseOtherChannels({ deps, tenant, principal }, orderId);
      const answer = await deps.till.cancel({ tenant, orderId, reason: body.reason, actor });
      if (!answer) throw noOrder(orderId);
      return ok({ outcome: answer.outcome });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/orders/{orderId}/offers/{offerId}/answer',
    tag,
    summary: 'Answer an offer in the buyer’s name; the same answer again is the same answer',
    access,
    params: offerParams,
    body: offerBody,
    answers: { ok: offerAnswer },
    refusals: ['not-found', 'already-answered', 'offer-ended'],
    async handle({ deps, tenant, params: { orderId, offerId }, body: { accept }, principal, actor }) {
      await refuseOtherChannels({ deps, tenant, principal }, orderId);
      const answer = await answerOffer(deps.app, { tenant, orderId, offerId, accept, actor });
      switch (answer.kind) {
        case 'answered':
          return ok({ orderId, offerId, accept });
        case 'notFound':
          throw new Problem('not-found', { detail: `There is no offer ${offerId} in order ${orderId}.` });
        case 'otherAnswer':
          throw new Problem('already-answered');
        case 'ended':
          throw new Problem('offer-ended');
      }
    },
  }),
];
