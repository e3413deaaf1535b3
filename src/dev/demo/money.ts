import { createHmac } from 'node:crypto';
import { slugOf } from '../../sdk/client';
import { problemSlug } from '../seed/apiClient';
import type { LedgerEntry } from './ledger';
import { type Stage, sleep, sleepUntil } from './stage';

/** The buyer pays on the phone; the provider tells the shop. `cancelsPaid` changes their mind soon afterwards. */
export async function payOrder(stage: Stage, entry: LedgerEntry): Promise<void> {
  const changesMind = entry.plan.behaviour === 'cancelsPaid';
  await sleep(changesMind ? Math.min(3_000, entry.plan.payAfterMs) : entry.plan.payAfterMs);
  await charge(stage, entry);
  if (changesMind) await cancelOrder(stage, entry);
}

/** The buyer pays when the hold has ended: the money is on its way, whatever the shop has decided meanwhile. */
export async function payTheirOrder(stage: Stage, entry: LedgerEntry): Promise<void> {
  await sleepUntil((entry.expiresAtMs ?? Date.now()) + entry.plan.payAfterMs);
  await charge(stage, entry);
}

async function charge(stage: Stage, entry: LedgerEntry): Promise<void> {
  const { tenant, payments } = stage;
  const { orderId, totalFen } = entry;
  if (orderId === undefined || totalFen === 0) return;
  const transactionId = `pay-${entry.plan.body.externalId}`;
  const isLate = entry.expiresAtMs !== undefined && Date.now() > entry.expiresAtMs;
  const notifyUrl = `${stage.apiUrl}/v1/payments/sandbox/notifications`;
  const answer = await payments.send('POST', '/v1/charges', {
    body: { tenant, orderId, amountFen: totalFen, transactionId, notifyUrl },
  });
  if (answer.status === 409 && entry.plan.behaviour === 'paysLate') {
    // The shop closed the order at the provider: this money was paid before and only the news of it is late.
    await tellShop(stage, { orderId, totalFen, transactionId });
  } else if (answer.status !== 201 && answer.status !== 200) {
    stage.ledger.noteFault(`charge refused: ${problemSlug(answer)} ${answer.status}`);
    return;
  }
  entry.chargedFen = totalFen;
  entry.chargedLate = isLate;
  if (entry.plan.toldTwice && answer.status !== 409) await tellAgain(stage, transactionId);
}

/** Once under the same notification id and once under a new one: both are one payment. */
async function tellAgain({ payments }: Stage, transactionId: string): Promise<void> {
  await payments.send('POST', `/v1/transactions/${transactionId}/notifications?sameId=true`);
  await payments.send('POST', `/v1/transactions/${transactionId}/notifications`);
}

/** A notification signed as the sandbox provider signs; it has no books of such money and does not need them. */
async function tellShop(
  stage: Stage,
  paid: { orderId: string; totalFen: number; transactionId: string },
): Promise<void> {
  const body = {
    notificationId: `n-${paid.transactionId}`,
    transactionId: paid.transactionId,
    tenant: stage.tenant,
    orderId: paid.orderId,
    amountFen: paid.totalFen,
    paidAt: new Date().toISOString(),
    outcome: 'paid',
  };
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', stage.paymentSecret)
    .update(`${timestamp}\n${JSON.stringify(body)}`)
    .digest('hex');
  const answer = await stage.api.send('POST', '/v1/payments/sandbox/notifications', {
    body,
    headers: { 'Sandbox-Timestamp': timestamp, 'Sandbox-Signature': signature },
  });
  if (answer.status !== 204)
    stage.ledger.noteFault(`late notification answered ${answer.status} ${problemSlug(answer)}`);
}

export async function cancelOrder(stage: Stage, entry: LedgerEntry): Promise<void> {
  await sleep(entry.plan.cancelAfterMs);
  await askToCancel(stage, entry, 'changed my mind 不想要了');
}

export async function askToCancel({ shop }: Stage, entry: LedgerEntry, reason: string): Promise<void> {
  const answer = await shop.POST('/v1/orders/{orderId}/cancel', {
    params: { path: { orderId: entry.orderId ?? '' } },
    body: { reason },
  });
  entry.cancelOutcome = answer.data?.outcome ?? slugOf(answer);
}
