import type { Envelope, SealedBytes } from './envelope';
import type { TenantTx } from './transaction';
import { wakeEndpoint } from './webhookEndpoint';

/** One that is told to nobody but its receiver, and one that is about to take its place. */
const liveSecrets = 2;

/**
 * Gives an endpoint one more secret; the third retires the oldest. From now on every attempt is signed under it too,
 * so a receiver changes secrets without missing a message. The first one lets waiting deliveries go out. False: there
 * is no such endpoint.
 */
export async function addWebhookSecret(
  tx: TenantTx,
  envelope: Envelope,
  { endpointId, secretId, secret }: { endpointId: string; secretId: string; secret: string },
): Promise<boolean> {
  // the endpoint's row puts those who add at the same time in a line
  const { rowCount } = await tx.query(
    `SELECT 1 FROM webhook_endpoint WHERE tenant = $1 AND endpoint_id = $2 AND removed_at IS NULL FOR NO KEY UPDATE`,
    [tx.tenant, endpointId],
  );
  if (rowCount === 0) return false;
  const { keyId, sealed } = envelope.seal(ownerOf(tx.tenant, endpointId, secretId), Buffer.from(secret));
  await tx.query(
    `UPDATE webhook_secret SET retired_at = clock_timestamp()
      WHERE tenant = $1 AND endpoint_id = $2 AND retired_at IS NULL AND secret_id NOT IN (
        SELECT secret_id FROM webhook_secret WHERE tenant = $1 AND endpoint_id = $2 AND retired_at IS NULL
         ORDER BY created_at DESC LIMIT $3)`,
    [tx.tenant, endpointId, liveSecrets - 1],
  );
  await tx.query(
    'INSERT INTO webhook_secret (tenant, endpoint_id, secret_id, key_id, sealed) VALUES ($1, $2, $3, $4, $5)',
    [tx.tenant, endpointId, secretId, keyId, sealed],
  );
  await wakeEndpoint(tx, endpointId);
  return true;
}

/** The live secrets of an endpoint, the oldest first. */
export async function openWebhookSecrets(
  tx: TenantTx,
  envelope: Envelope,
  endpointId: string,
): Promise<string[]> {
  const { rows } = await tx.query<SealedBytes & { secretId: string }>(
    `SELECT secret_id AS "secretId", key_id AS "keyId", sealed FROM webhook_secret
      WHERE tenant = $1 AND endpoint_id = $2 AND retired_at IS NULL ORDER BY created_at`,
    [tx.tenant, endpointId],
  );
  return rows.map(({ secretId, ...row }) =>
    envelope.open(ownerOf(tx.tenant, endpointId, secretId), row).toString(),
  );
}

/** A row that is copied to another tenant or endpoint does not open there. */
function ownerOf(tenant: string, endpointId: string, secretId: string): string[] {
  return ['webhook secret', tenant, endpointId, secretId];
}
