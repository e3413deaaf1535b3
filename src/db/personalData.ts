import { createHmac, hkdfSync } from 'node:crypto';
import { createEnvelope, type MasterKey, type SealedBytes } from './envelope';
import type { TenantTx } from './transaction';

/** The one encrypted document of an order: everything that tells who the buyer is. */
export interface Recipient {
  name?: string;
  phone?: string;
  address?: { province: string; city: string; district: string; detail: string };
  notes?: { buyer?: string; seller?: string };
}

const digestKeyBytes = 32;

export interface PersonalData {
  /** Encrypts in an envelope (src/db/envelope.ts) that is bound to tenant and order. */
  seal(owner: { tenant: string; orderId: string }, recipient: Recipient): SealedBytes;
  open(owner: { tenant: string; orderId: string }, row: SealedBytes): Recipient;
  /** Keyed digest for comparing bodies and searching phones, so that a stolen table cannot be guessed through. */
  digest(purpose: string, text: string): Buffer;
}

/** Digests use a key derived from the last master key, so that rotating (a new one in front) keeps comparing equal. */
export function createPersonalData(keys: readonly MasterKey[]): PersonalData {
  const envelope = createEnvelope(keys);
  const oldest = keys.at(-1) as MasterKey;
  const digestKey = Buffer.from(hkdfSync('sha256', oldest.key, '', 'xianda digest', digestKeyBytes));
  return {
    seal: ({ tenant, orderId }, recipient) =>
      envelope.seal([tenant, orderId], Buffer.from(JSON.stringify(recipient))),
    open: ({ tenant, orderId }, row) =>
      JSON.parse(envelope.open([tenant, orderId], row).toString()) as Recipient,
    digest: (purpose, text) => createHmac('sha256', digestKey).update(`${purpose}\n`).update(text).digest(),
  };
}

/** Stores who the buyer is, encrypted; an order without any such fields gets no row. */
export async function insertRecipient(
  tx: TenantTx,
  personalData: PersonalData,
  orderId: string,
  recipient: Recipient,
): Promise<void> {
  if (Object.values(recipient).every((value) => value === undefined)) return;
  const { keyId, sealed } = personalData.seal({ tenant: tx.tenant, orderId }, recipient);
  const phone =
    recipient.phone === undefined ? null : personalData.digest(`phone ${tx.tenant}`, recipient.phone);
  await tx.query(
    'INSERT INTO recipient (tenant, order_id, key_id, sealed, phone_digest) VALUES ($1, $2, $3, $4, $5)',
    [tx.tenant, orderId, keyId, sealed, phone],
  );
}
