import { createHmac, timingSafeEqual } from 'node:crypto';

/** Header names in lower case, as Node's http server hands them over. */
const timestampHeader = 'sandbox-timestamp';
const signatureHeader = 'sandbox-signature';
/** How far a message's clock may be off, in either direction (the contract's five minutes). */
const toleranceSeconds = 300;

type RawBody = string | Uint8Array;

/** Hex HMAC-SHA256 over `<unix seconds>\n<raw body>`; a message without a body signs the empty string. */
export function signSandbox(secret: string, timestampSeconds: number, rawBody: RawBody): string {
  return createHmac('sha256', secret).update(`${timestampSeconds}\n`).update(rawBody).digest('hex');
}

/** The two headers that a signed message carries, made for one attempt: a retry signs anew. */
export function sandboxHeaders(secret: string, nowSeconds: number, rawBody: RawBody): Record<string, string> {
  return {
    'Sandbox-Timestamp': String(nowSeconds),
    'Sandbox-Signature': signSandbox(secret, nowSeconds, rawBody),
  };
}

export type SandboxVerification =
  | { kind: 'valid'; timestampSeconds: number }
  | { kind: 'invalid'; reason: 'missing' | 'malformed' | 'stale' | 'mismatch' };

interface SandboxMessage {
  secret: string;
  headers: Record<string, string | string[] | undefined>;
  /** The bytes as they came, before any parsing: JSON written again need not be the same bytes. */
  rawBody: RawBody;
  nowSeconds: number;
}

/**
 * Decides whether a message came from the holder of the secret within the last (or next) five minutes.
 * Compares in constant time; never throws on what a stranger sends.
 */
export function verifySandbox({ secret, headers, rawBody, nowSeconds }: SandboxMessage): SandboxVerification {
  const timestamp = headers[timestampHeader];
  const signature = headers[signatureHeader];
  if (timestamp === undefined || signature === undefined) return { kind: 'invalid', reason: 'missing' };
  if (typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp)) {
    return { kind: 'invalid', reason: 'malformed' };
  }
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/i.test(signature)) {
    return { kind: 'invalid', reason: 'malformed' };
  }
  const timestampSeconds = Number(timestamp);
  // The text of the header is signed, not the number read from it.
  const expected = createHmac('sha256', secret).update(`${timestamp}\n`).update(rawBody).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex')))
    return { kind: 'invalid', reason: 'mismatch' };
  if (Math.abs(nowSeconds - timestampSeconds) > toleranceSeconds) return { kind: 'invalid', reason: 'stale' };
  return { kind: 'valid', timestampSeconds };
}
