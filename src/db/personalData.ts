import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { TenantTx } from './transaction';

/** The one encrypted document of an order: everything that tells who the buyer is. */
export interface Recipient {
  name?: string;
  phone?: string;
  address?: { province: string; city: string; district: string; detail: string };
  notes?: { buyer?: string; seller?: string };
}

export interface PersonalDataKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

export interface SealedRecipient {
  keyId: string;
  sealed: Buffer;
}

const ivBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

export interface PersonalData {
  /** Encrypts under a key of its own, wrapped by the newest master key; bound to tenant and order. */
  seal(owner: { tenant: string; orderId: string }, recipient: Recipient): SealedRecipient;
  /** Opens what any known master key has sealed; throws when the key is gone or the row was moved or changed. */
  open(owner: { tenant: string; orderId: string }, row: SealedRecipient): Recipient;
  /** Keyed digest for comparing bodies and searching phones, so that a stolen table cannot be guessed through. */
  digest(purpose: string, text: string): Buffer;
}

/**
 * Envelope encryption with rotation: the first key seals, all keys open. Digests use a key derived from the last
 * one in the list, so that rotating (a new key in front) keeps comparing equal.
 */
export function createPersonalData(keys: readonly PersonalDataKey[]): PersonalData {
  const current = keys[0];
  const oldest = keys.at(-1);
  if (!current || !oldest) throw new Error('at least one personal data key is needed');
  const digestKey = Buffer.from(hkdfSync('sha256', oldest.key, '', 'xianda digest', keyBytes));
  return {
    seal(owner, recipient) {
      const dataKey = randomBytes(keyBytes);
      const bound = aadOf(owner);
      const wrapped = encrypt(current.key, dataKey, bound);
      const document = encrypt(dataKey, Buffer.from(JSON.stringify(recipient)), bound);
      return { keyId: current.id, sealed: Buffer.concat([wrapped, document]) };
    },
    open(owner, row) {
      const master = keys.find((key) => key.id === row.keyId);
      if (!master) throw new Error(`no personal data key with id ${row.keyId}`);
      const bound = aadOf(owner);
      const wrappedBytes = ivBytes + tagBytes + keyBytes;
      const dataKey = decrypt(master.key, row.sealed.subarray(0, wrappedBytes), bound);
      return JSON.parse(decrypt(dataKey, row.sealed.subarray(wrappedBytes), bound).toString()) as Recipient;
    },
    digest: (purpose, text) => createHmac('sha256', digestKey).update(`${purpose}\n`).update(text).digest(),
  };
}

function aadOf(owner: { tenant: string; orderId: string }): Buffer {
  return Buffer.from(JSON.stringify([owner.tenant, owner.orderId]));
}

function encrypt(key: Buffer, plain: Buffer, bound: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(bound);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, sealed: Buffer, bound: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes)).setAAD(bound);
  decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
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
