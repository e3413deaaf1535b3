import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Standard Webhooks (standardwebhooks.com, version 1): `webhook-signature` holds one or more `v1,<base64>`, each the
 * HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<raw body>` under one secret, `whsec_` and base64.
 */
const secretPrefix = 'whsec_';
const secretBytes = 32;
const version = 'v1';
const toleranceSeconds = 300;

/** A new secret of 256 random bits. */
export function createWebhookSecret(): string {
  return secretPrefix + randomBytes(secretBytes).toString('base64');
}

interface SignedMessage {
  /** Stays the same in every attempt. Holds no full stop: it is what the signed text is put together with. */
  webhookId: string;
  timestampSeconds: number;
  rawBody: string;
}

/** The three headers of one attempt: a retry signs anew, under every secret that lives. */
export function webhookHeaders(
  secrets: readonly string[],
  { webhookId, timestampSeconds, rawBody }: SignedMessage,
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const signature = macOf(secret, `${webhookId}.${timestampSeconds}.`, rawBody).toString('base64');
    return `${version},${signature}`;
  });
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  };
}

export type WebhookVerification =
  | { kind: 'valid'; webhookId: string }
  | { kind: 'invalid'; reason: 'missing' | 'malformed' | 'stale' | 'mismatch' };

interface ReceivedMessage {
  secret: string;
  /** Names in lower case, as Node's http server hands them over. */
  headers: Record<string, string | string[] | undefined>;
  /** The bytes as they came, before any parsing. */
  rawBody: string | Uint8Array;
  nowSeconds: number;
}

/**
 * The receiver's side: whether the holder of the secret sent this within five minutes. One good signature of several
 * is enough, because two secrets live while one replaces the other. Constant time; never throws on what a stranger
 * sends.
 */
export function verifyWebhook({
  secret,
  headers,
  rawBody,
  nowSeconds,
}: ReceivedMessage): WebhookVerification {
  const webhookId = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (webhookId === undefined || timestamp === undefined || signatures === undefined) {
    return { kind: 'invalid', reason: 'missing' };
  }
  if (typeof webhookId !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    return { kind: 'invalid', reason: 'malformed' };
  }
  if (!/^\d{1,12}$/.test(timestamp)) return { kind: 'invalid', reason: 'malformed' };
  const expected = macOf(secret, `${webhookId}.${timestamp}.`, rawBody);
  if (!signatures.split(' ').some((signature) => isEqual(signature, expected))) {
    return { kind: 'invalid', reason: 'mismatch' };
  }
  if (Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds) {
    return { kind: 'invalid', reason: 'stale' };
  }
  return { kind: 'valid', webhookId };
}

function macOf(secret: string, start: string, rawBody: string | Uint8Array): Buffer {
  const key = Buffer.from(secret.replace(secretPrefix, ''), 'base64');
  return createHmac('sha256', key).update(start).update(rawBody).digest();
}

function isEqual(signature: string, expected: Buffer): boolean {
  const [name, text = ''] = signature.split(',', 2);
  const given = Buffer.from(text, 'base64');
  return name === version && given.length === expected.length && timingSafeEqual(given, expected);
}
