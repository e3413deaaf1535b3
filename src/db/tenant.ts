import type { Language } from '../domain/tenant/model';
import type { Page, Slice } from './page';
import { sliceOf } from './page';
import type { Database, TenantTx, Tx } from './transaction';

export interface Tenant {
  tenant: string;
  name: string;
  timeZone: string;
  /** In which Temporal's Web UI shows its orders. */
  language: Language;
}

export type KeyRole = 'channel' | 'ops' | 'warehouse' | 'host' | 'leader' | 'supplier';

/** Whom a key belongs to, and what it is bound to. */
export interface KeyOwner {
  tenant: string;
  keyId: string;
  role: KeyRole;
  /** Of a channel key: the only channel it may use; null: any. */
  channel: string | null;
  supplierId: string | null;
  leaderId: string | null;
}

export interface NewKey extends KeyOwner {
  /** SHA-256 of the key: the key itself is shown once and stored nowhere. */
  hash: Buffer;
  /** First characters of the key, so that people can tell keys apart. */
  prefix: string;
}

export interface KeyView {
  keyId: string;
  role: KeyRole;
  prefix: string;
  channel: string | null;
  supplierId: string | null;
  leaderId: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** Makes or replaces a tenant. Runs as the platform. */
export async function putTenant(
  platform: Database,
  { tenant, name, timeZone, language }: Tenant,
): Promise<void> {
  await platform.inTransaction((tx) =>
    tx.query(
      `INSERT INTO tenant (tenant, name, time_zone, language) VALUES ($1, $2, $3, $4)
       ON CONFLICT (tenant) DO UPDATE
         SET name = excluded.name, time_zone = excluded.time_zone, language = excluded.language`,
      [tenant, name, timeZone, language],
    ),
  );
}

export async function findTenant(platform: Database, tenant: string): Promise<Tenant | null> {
  return platform.inTransaction((tx) => readTenant(tx, tenant));
}

/** The tenant that a transaction is bound to. */
export async function getOwnTenant(tx: TenantTx): Promise<Tenant> {
  const found = await readTenant(tx, tx.tenant);
  if (found === null) throw new Error('the tenant does not exist');
  return found;
}

async function readTenant(tx: Tx, tenant: string): Promise<Tenant | null> {
  const { rows } = await tx.query<Tenant>(
    'SELECT tenant, name, time_zone AS "timeZone", language FROM tenant WHERE tenant = $1',
    [tenant],
  );
  return rows[0] ?? null;
}

/** Stores a key; false when there is no such tenant. */
export async function insertKey(platform: Database, key: NewKey): Promise<boolean> {
  return platform.inTransaction(async (tx) => {
    if (!(await readTenant(tx, key.tenant))) return false;
    await tx.query(
      `INSERT INTO api_key (tenant, key_id, role, channel, supplier_id, leader_id, key_hash, prefix)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [key.tenant, key.keyId, key.role, key.channel, key.supplierId, key.leaderId, key.hash, key.prefix],
    );
    return true;
  });
}

/** Whether a key of the bound tenant may still be used. */
export async function isKeyValid(tx: TenantTx, keyId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'SELECT 1 FROM api_key WHERE tenant = $1 AND key_id = $2 AND revoked_at IS NULL',
    [tx.tenant, keyId],
  );
  return rowCount === 1;
}

/** Of these keys, those that exist and may still be used. */
export async function findStandingKeys(
  platform: Database,
  keys: readonly Pick<KeyOwner, 'tenant' | 'keyId'>[],
): Promise<Pick<KeyOwner, 'tenant' | 'keyId'>[]> {
  return platform.inTransaction(async (tx) => {
    const { rows } = await tx.query<Pick<KeyOwner, 'tenant' | 'keyId'>>(
      `SELECT k.tenant, k.key_id AS "keyId"
         FROM unnest($1::text[], $2::text[]) AS u(tenant, key_id)
         JOIN api_key k ON k.tenant = u.tenant AND k.key_id = u.key_id WHERE k.revoked_at IS NULL`,
      [keys.map((key) => key.tenant), keys.map((key) => key.keyId)],
    );
    return rows;
  });
}

/** Revokes a key; repeated, the first instant stands. Null when the tenant has no such key. */
export async function revokeKey(
  platform: Database,
  key: { tenant: string; keyId: string },
): Promise<Date | null> {
  return platform.inTransaction(async (tx) => {
    const { rows } = await tx.query<{ revokedAt: Date }>(
      `UPDATE api_key SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE tenant = $1 AND key_id = $2
       RETURNING revoked_at AS "revokedAt"`,
      [key.tenant, key.keyId],
    );
    return rows[0]?.revokedAt ?? null;
  });
}

/** The living key with this hash; null when unknown or revoked. */
export async function findKeyByHash(platform: Database, hash: Buffer): Promise<KeyOwner | null> {
  return platform.inTransaction(async (tx) => {
    const { rows } = await tx.query<KeyOwner>(
      `SELECT tenant, key_id AS "keyId", role, channel, supplier_id AS "supplierId", leader_id AS "leaderId"
         FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL`,
      [hash],
    );
    return rows[0] ?? null;
  });
}

/** Notes that keys were used just now; written in bulk and seldom, so it is a minute behind at most. */
export async function touchKeys(
  platform: Database,
  keys: { tenant: string; keyId: string }[],
): Promise<void> {
  await platform.inTransaction((tx) =>
    tx.query(
      `UPDATE api_key SET last_used_at = clock_timestamp()
         FROM unnest($1::text[], $2::text[]) AS u(tenant, key_id)
        WHERE api_key.tenant = u.tenant AND api_key.key_id = u.key_id`,
      [keys.map((key) => key.tenant), keys.map((key) => key.keyId)],
    ),
  );
}

/** A tenant's keys, without anything that opens a door. */
export async function listKeys(
  platform: Database,
  tenant: string,
  page: Page<string>,
): Promise<Slice<KeyView, string>> {
  return platform.inTransaction(async (tx) => {
    const { rows } = await tx.query<KeyView>(
      `SELECT key_id AS "keyId", role, prefix, channel, supplier_id AS "supplierId", leader_id AS "leaderId",
              created_at AS "createdAt", last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"
         FROM api_key WHERE tenant = $1 AND ($2::text IS NULL OR key_id > $2) ORDER BY key_id LIMIT $3 + 1`,
      [tenant, page.after, page.limit],
    );
    return sliceOf(rows, page.limit, { item: (row) => row, position: (row) => row.keyId });
  });
}
