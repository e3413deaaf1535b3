import { timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import type { PersonalData } from '../../db/personalData';

type Signer = Pick<PersonalData, 'digest'>;

/** One use of signed tokens: a token of one purpose opens nothing of another. */
export interface TokenKind<Claims> {
  purpose: string;
  claims: z.ZodType<Claims>;
}

/**
 * A token for an address bar, where no key can be sent: what it says and its HMAC, under a key that derives from
 * those of the personal data and has this one use (docs/decisions/0024). Nothing is stored.
 */
export function writeToken<Claims>(signer: Signer, { purpose }: TokenKind<Claims>, claims: Claims): string {
  const words = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${words}.${signer.digest(purpose, words).toString('base64url')}`;
}

/** Null for anything that we did not write for this purpose. Whether it has expired is left to the caller. */
export function readToken<Claims>(
  signer: Signer,
  { purpose, claims }: TokenKind<Claims>,
  token: string,
): Claims | null {
  const match = /^([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{43})$/.exec(token);
  if (!match?.[1] || !match[2]) return null;
  const expected = signer.digest(purpose, match[1]);
  const given = Buffer.from(match[2], 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const parsed = claims.safeParse(JSON.parse(Buffer.from(match[1], 'base64url').toString('utf8')));
  return parsed.success ? parsed.data : null;
}
