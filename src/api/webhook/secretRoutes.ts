import { randomUUID } from 'node:crypto';
import { createWebhookSecret } from '../../clients/webhook/signature';
import { supplierEndpointId } from '../../db/webhookEndpoint';
import { addWebhookSecret } from '../../db/webhookSecret';
import { Problem } from '../http/problem';
import { type Call, created, defineRoute, nothing, type Reply, type Route } from '../http/route';
import { expectOwn } from './owner';
import { endpointParams, secretAnswer, supplierParams } from './schema';

const tag = 'Webhooks';
const summary = 'One more secret, shown once; a third retires the oldest';

/** 404 for an endpoint that is not there or another's. */
async function addSecret(
  { deps, tenant, principal }: Call<unknown, unknown, unknown>,
  endpointId: string,
): Promise<Reply> {
  const secret = createWebhookSecret();
  await deps.app.inTenant(tenant, async (tx) => {
    await expectOwn(tx, principal, { endpointId });
    await addWebhookSecret(tx, deps.envelope, { endpointId, secretId: randomUUID(), secret });
  });
  return created({ secret });
}

export const webhookSecretRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/webhook-endpoints/{endpointId}/secrets',
    tag,
    summary,
    access: ['ops', 'channel', 'supplier'],
    params: endpointParams,
    body: nothing,
    answers: { created: secretAnswer },
    refusals: ['not-found'],
    handle: (call) => addSecret(call, call.params.endpointId),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/suppliers/{supplierId}/webhook-secrets',
    tag,
    summary,
    access: ['ops', 'supplier'],
    params: supplierParams,
    body: nothing,
    answers: { created: secretAnswer },
    refusals: ['not-found'],
    handle: (call) =>
      addSecret(call, supplierEndpointId(call.params.supplierId)).catch((error: unknown) => {
        if (!(error instanceof Problem) || error.slug !== 'not-found') throw error;
        throw new Problem('not-found', {
          detail: `There is no supplier ${call.params.supplierId} with a webhookUrl.`,
        });
      }),
  }),
];
