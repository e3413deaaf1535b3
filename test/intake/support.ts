import { createHash } from 'node:crypto';
import { bookPayment, type PaymentNotice } from '../../src/db/payment';
import { createPersonalData } from '../../src/db/personalData';
import { createIntake, type Intake } from '../../src/intake/intake';
import type { AcceptedOrder, IntakeAnswer, IntakeRequest } from '../../src/intake/model';
import type { TestDatabase } from '../support/database';

export const personalData = createPersonalData([{ id: 'test', key: Buffer.alloc(32, 7) }]);

export function intakeOn(database: TestDatabase, paymentWindowSeconds = 1800): Intake {
  return createIntake({ db: database.as('xianda_app'), personalData, paymentWindowSeconds });
}

let orders = 0;

/** An order of one unit of `apple` by express to the buyer's place; every call is another order unless it names its id. */
export function orderFor(given: Partial<IntakeRequest> = {}): IntakeRequest {
  orders += 1;
  return {
    channel: 'shop',
    externalId: `external-${orders}`,
    buyer: { ref: `buyer-${orders}`, location: { lat: 31.22, lng: 121.42 } },
    lines: [{ sku: 'apple', quantity: 1 }],
    ...given,
  };
}

/** The accepted order's answer; fails with the refusal when there is none. */
export function accepted(answer: IntakeAnswer): AcceptedOrder {
  if (answer.kind === 'accepted' || answer.kind === 'repeated') return answer.answer;
  throw new Error(`the order was refused: ${JSON.stringify(answer)}`);
}

let transactions = 0;

/** Tells the product that an order was paid in full; facts may be overridden. */
export function pay(
  database: TestDatabase,
  tenant: string,
  order: { orderId: string; totalFen: number },
  given: Partial<PaymentNotice> = {},
) {
  transactions += 1;
  const notice = {
    tenant,
    provider: 'sandbox',
    notificationId: `notice-${transactions}`,
    transactionId: `transaction-${transactions}`,
    orderId: order.orderId,
    amountFen: order.totalFen,
    paidAt: new Date(),
    ...given,
  };
  const bodyDigest = createHash('sha256').update(JSON.stringify(notice)).digest();
  return bookPayment(database.as('xianda_app'), { ...notice, bodyDigest: given.bodyDigest ?? bodyDigest });
}

/** Puts the end of an order's holds into the past, as 30 minutes would. */
export async function letHoldsEnd(database: TestDatabase, tenant: string, orderId: string): Promise<void> {
  for (const table of ['orders', 'hold', 'quota_hold']) {
    await database.query(
      `UPDATE ${table} SET expires_at = clock_timestamp() - interval '1 second' WHERE tenant = $1 AND order_id = $2`,
      [tenant, orderId],
    );
  }
}
