import type { Database } from './transaction';

/** What a transaction brought in, in fen: a provider wants to hear it together with a refund. */
export async function findTransactionFen(
  db: Database,
  transaction: { tenant: string; provider: string; transactionId: string },
): Promise<number> {
  return db.inTenant(transaction.tenant, async (tx) => {
    const { rows } = await tx.query<{ amount_fen: number }>(
      'SELECT amount_fen FROM payment WHERE tenant = $1 AND provider = $2 AND transaction_id = $3',
      [transaction.tenant, transaction.provider, transaction.transactionId],
    );
    if (!rows[0]) throw new Error('I7 a refund of a transaction that is not in the books');
    return rows[0].amount_fen;
  });
}
