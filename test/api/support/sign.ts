import { sandboxHeaders } from '../../../src/clients/signature';
import { type Answer, type ApiUnderTest, carrierSecret, paymentSecret } from './apiUnderTest';

interface Signed {
  body: object | string;
  secret?: string;
  /** Seconds that the partner's clock is ahead. */
  ahead?: number;
}

async function tell(
  api: ApiUnderTest,
  path: string,
  { body, secret = '', ahead = 0 }: Signed,
): Promise<Answer> {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = sandboxHeaders(secret, Math.floor(Date.now() / 1000) + ahead, raw);
  return api.send('POST', path, { body: raw, headers });
}

/** A payment notification as the sandbox provider signs it. */
export function tellPayment(api: ApiUnderTest, signed: Signed): Promise<Answer> {
  return tell(api, '/v1/payments/sandbox/notifications', { secret: paymentSecret, ...signed });
}

/** A carrier's event as the sandbox carrier signs it. */
export function tellCarrier(api: ApiUnderTest, carrierId: string, signed: Signed): Promise<Answer> {
  return tell(api, `/v1/carriers/${carrierId}/events`, { secret: carrierSecret, ...signed });
}

let notices = 0;

export function paymentOf(
  tenant: string,
  order: { orderId: string; totalFen: number },
  changes: object = {},
) {
  notices += 1;
  return {
    notificationId: `notice-${notices}`,
    transactionId: `transaction-${notices}`,
    tenant,
    orderId: order.orderId,
    amountFen: order.totalFen,
    paidAt: new Date().toISOString(),
    outcome: 'paid',
    ...changes,
  };
}
