import { createHash } from 'node:crypto';
import type { Database, Tx } from './transaction';

/** What stands before the first seal of a tenant. */
const genesis = Buffer.alloc(32);
const batchesAtOnce = 1000;

/** Tenants with batches that are not chained yet. Role xianda_sealer, as everything here. */
export async function findUnsealedTenants(db: Database): Promise<string[]> {
  return db.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ tenant: string }>('SELECT DISTINCT tenant FROM unsealed_batch');
    return rows.map((row) => row.tenant);
  });
}

/**
 * Chains a tenant's unsealed batches, at most 1,000, in the order (at, batch id): hash = SHA-256(previous || batch
 * id's 16 bytes || batch's SHA-256). A batch that commits late is sealed later; the order of sealing is the books'
 * order (I2). One sealer at a time per tenant; others wait at the advisory lock. Answers how many it sealed.
 */
export async function sealBatches(db: Database, tenant: string): Promise<number> {
  return db.inTransaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`xianda seal ${tenant}`]);
    const { rows } = await tx.query<{ batch_id: string; sha256: Buffer }>(
      `SELECT u.batch_id, b.sha256 FROM unsealed_batch u
         JOIN stock_batch b ON b.tenant = u.tenant AND b.batch_id = u.batch_id
        WHERE u.tenant = $1 ORDER BY b.at, b.batch_id LIMIT $2`,
      [tenant, batchesAtOnce],
    );
    if (rows.length === 0) return 0;
    const last = await findLastSeal(tx, tenant);
    let { hash } = last;
    const seals = rows.map((row, index) => {
      const previous = hash;
      hash = createHash('sha256').update(previous).update(toBytes(row.batch_id)).update(row.sha256).digest();
      return { position: last.position + index + 1, batchId: row.batch_id, previous, hash };
    });
    await tx.query(
      `WITH sealed AS (
         INSERT INTO stock_seal (tenant, position, batch_id, previous, hash)
         SELECT $1, position, batch_id, previous, hash
           FROM unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[]) AS s(position, batch_id, previous, hash)
         RETURNING batch_id)
       DELETE FROM unsealed_batch u USING sealed s WHERE u.tenant = $1 AND u.batch_id = s.batch_id`,
      [
        tenant,
        seals.map((seal) => seal.position),
        seals.map((seal) => seal.batchId),
        seals.map((seal) => seal.previous),
        seals.map((seal) => seal.hash),
      ],
    );
    return rows.length;
  });
}

async function findLastSeal(tx: Tx, tenant: string): Promise<{ position: number; hash: Buffer }> {
  const { rows } = await tx.query<{ position: number; hash: Buffer }>(
    'SELECT position, hash FROM stock_seal WHERE tenant = $1 ORDER BY position DESC LIMIT 1',
    [tenant],
  );
  return rows[0] ?? { position: 0, hash: genesis };
}

function toBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
