import type { TenantTx } from './transaction';

export interface Prepayment {
  transactionId: string;
  amountFen: number;
  paidAt: string;
  heldBy: 'tenant' | 'channel';
}

/** Money the tenant holds lies with its payment provider; money the channel holds lies with the channel. */
function providerOf(prepayment: Prepayment): string {
  return prepayment.heldBy === 'tenant' ? 'sandbox' : 'channel';
}

/** Of these payments, those that pay an order already: by `prepaymentKey`. */
export async function findUsedPrepayments(
  tx: TenantTx,
  prepayments: readonly Prepayment[],
): Promise<Set<string>> {
  if (prepayments.length === 0) return new Set();
  const { rows } = await tx.query<{ provider: string; transaction_id: string }>(
    `SELECT p.provider, p.transaction_id FROM payment p
       JOIN unnest($2::text[], $3::text[]) AS w(provider, transaction_id)
         ON p.provider = w.provider AND p.transaction_id = w.transaction_id
      WHERE p.tenant = $1`,
    [tx.tenant, prepayments.map(providerOf), prepayments.map((each) => each.transactionId)],
  );
  return new Set(rows.map((row) => JSON.stringify([row.provider, row.transaction_id])));
}

/** One transaction of one provider pays one order. */
export function prepaymentKey(prepayment: Prepayment): string {
  return JSON.stringify([providerOf(prepayment), prepayment.transactionId]);
}

/** The payments that orders came with. One that was used for another order meanwhile is a conflict: see `isConflict`. */
export async function insertPrepayments(
  tx: TenantTx,
  prepayments: readonly (Prepayment & { orderId: string })[],
): Promise<void> {
  if (prepayments.length === 0) return;
  await tx.query(
    `INSERT INTO payment (tenant, provider, transaction_id, order_id, amount_fen, state, held_by, paid_at)
     SELECT $1, provider, transaction_id, order_id, amount_fen, 'applied', held_by, paid_at
       FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
            AS p(provider, transaction_id, order_id, amount_fen, held_by, paid_at)`,
    [
      tx.tenant,
      prepayments.map(providerOf),
      prepayments.map((each) => each.transactionId),
      prepayments.map((each) => each.orderId),
      prepayments.map((each) => each.amountFen),
      prepayments.map((each) => each.heldBy),
      prepayments.map((each) => new Date(each.paidAt)),
    ],
  );
}
