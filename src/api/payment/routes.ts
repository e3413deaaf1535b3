import type { PaymentNotice } from '../../db/payment';
import { parkStrayNotice } from '../../db/platformAttention';
import { canonicalJson } from '../../intake/canonical';
import type { ApiDeps } from '../deps';
import { sha256 } from '../http/auth';
import { Problem } from '../http/problem';
import { defineRoute, empty, noBody, type Route } from '../http/route';
import { readSigned } from '../http/signed';
import { notificationBody, providerParams } from './schema';

const conflict = () =>
  new Problem('idempotency-conflict', { detail: 'This notification was told with another body.' });

export const paymentRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/payments/{provider}/notifications',
    tag: 'Callbacks',
    summary: 'A payment provider tells of money; the transaction that stores it also pays the order',
    access: 'signed',
    params: providerParams,
    body: notificationBody,
    answers: { empty: noBody },
    refusals: ['unauthorized', 'not-found', 'idempotency-conflict'],
    async handle({ deps, params: { provider }, request }) {
      if (provider !== 'sandbox')
        throw new Problem('not-found', { detail: `There is no payment provider ${provider}.` });
      const body = readSigned(request, deps.settings.sandboxPaymentSecret, notificationBody);
      const notice = {
        ...body,
        provider,
        paidAt: new Date(body.paidAt),
        bodyDigest: sha256(canonicalJson(body)),
      };
      const { kind } = await deps.till.book(notice);
      if (kind === 'conflict') throw conflict();
      if (kind === 'unknownTenant' || kind === 'unknownOrder') await park(deps, notice, kind);
      return empty;
    },
  }),
];

/** Money that names nobody we know waits with the platform. */
async function park(
  { platform }: ApiDeps,
  notice: PaymentNotice,
  reason: 'unknownTenant' | 'unknownOrder',
): Promise<void> {
  const { provider, notificationId, transactionId, tenant, orderId, amountFen, bodyDigest } = notice;
  const parked = await parkStrayNotice(platform, {
    reason,
    source: `payment/${provider}`,
    noticeId: notificationId,
    subject: `payment/${provider}/${tenant}/${transactionId}`,
    bodyDigest,
    detail: { provider, transactionId, tenant, orderId, amountFen, paidAt: notice.paidAt.toISOString() },
  });
  if (parked === 'conflict') throw conflict();
}
