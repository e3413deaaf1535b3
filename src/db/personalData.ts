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

/** Who a buyer is, encrypted: what is stored of a recipient. */
export interface SealedRecipient extends SealedBytes {
  orderId: string;
  phoneDigest: Buffer | null;
}

/** Encrypts a recipient; null when the order came without any such fields, and then it gets no row. */
export function sealRecipient(
  personalData: PersonalData,
  owner: { tenant: string; orderId: string },
  recipient: Recipient,
): SealedRecipient | null {
  const { name, phone, address, notes } = recipient;
  if (name === undefined && phone === undefined && address === undefined && notes === undefined) return null;
  return {
    ...personalData.seal(owner, recipient),
    orderId: owner.orderId,
    phoneDigest: phone === undefined ? null : personalData.digest(`phone ${owner.tenant}`, phone),
  };
}

/** Stores who the buyers are. */
export async function insertRecipients(tx: TenantTx, recipients: readonly SealedRecipient[]): Promise<void> {
  if (recipients.length === 0) return;
  await tx.query(
    `INSERT INTO recipient (tenant, order_id, key_id, sealed, phone_digest)
     SELECT $1, order_id, key_id, sealed, phone_digest
       FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS r(order_id, key_id, sealed, phone_digest)`,
    [
      tx.tenant,
      recipients.map((each) => each.orderId),
      recipients.map((each) => each.keyId),
      recipients.map((each) => each.sealed),
      recipients.map((each) => each.phoneDigest),
    ],
  );
}
