import { listAttention, listPlatformAttention } from '../../db/attention.read';
import { type AttentionResolution, resolveAttention } from '../../db/attentionResolve';
import { resolvePlatformAttention } from '../../db/platformAttention';
import { pageAnswer, pageOf, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { defineRoute, ok, type Route } from '../http/route';
import { linkToParked } from '../http/workflowLink';
import {
  attentionItem,
  attentionParams,
  attentionPosition,
  attentionQuery,
  resolveBody,
  resolvedAnswer,
} from './schema';

const tag = 'Attention';
const access = ['ops', 'platform'] as const;

export const attentionRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/attention',
    tag,
    summary:
      'What waits for a person, the nearest deadline first; the platform key sees what belongs to no tenant',
    access,
    query: attentionQuery,
    answers: { ok: pageSchema(attentionItem) },
    async handle(call) {
      const { deps, query, principal } = call;
      const page = pageOf(query, attentionPosition);
      const filter = { orderId: query.orderId, reason: query.reason };
      if (principal.role === 'platform')
        return ok(pageAnswer(await listPlatformAttention(deps.platform, filter, page)));
      const { tenant } = call;
      const { items, next } = await deps.app.inTenant(tenant, (tx) => listAttention(tx, filter, page));
      const linked = items.map(({ run, ...item }) => {
        const workflow = linkToParked(deps.settings, { tenant, run, ...item });
        return workflow === undefined ? item : { ...item, workflow };
      });
      return ok(pageAnswer({ items: linked, next }));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/attention/{attentionId}/resolve',
    tag,
    summary: 'Decide about something parked: one of its open actions',
    access,
    params: attentionParams,
    body: resolveBody,
    answers: { ok: resolvedAnswer },
    refusals: ['not-found', 'already-resolved', 'action-not-allowed'],
    async handle(call) {
      const { deps, params, body, principal, actor } = call;
      const answer = { attentionId: params.attentionId, ...body, actor };
      const resolution =
        principal.role === 'platform'
          ? await resolvePlatformAttention(deps.platform, answer)
          : await resolveAttention(deps.app, { ...answer, tenant: call.tenant });
      refuseUnresolved(resolution);
      return ok({ attentionId: params.attentionId, action: body.action });
    },
  }),
];

function refuseUnresolved(resolution: AttentionResolution): void {
  switch (resolution.kind) {
    case 'resolved':
      return;
    case 'notFound':
      throw new Problem('not-found', { detail: 'Nothing is parked under this id.' });
    case 'alreadyResolved':
      throw new Problem('already-resolved');
    case 'notAllowed':
      throw new Problem('action-not-allowed', {
        detail: `Open here: ${resolution.actions.join(', ')}.`,
        actions: resolution.actions,
      });
  }
}
