import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { PersonalData } from '../../db/personalData';
import { idText, tenantText } from '../http/schema';

/** What a link opens, until when, and whose key made it: the link ends with that key. */
export interface ReportLink {
  tenant: string;
  liveSessionId: string;
  keyId: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

const link = z.strictObject({
  tenant: tenantText,
  liveSessionId: idText,
  keyId: z.string().max(128),
  expiresAt: z.int().min(0),
});

const purpose = 'report link';

/**
 * A token for an address bar, where no key can be sent: the link itself and its HMAC, under a key that derives from
 * those of the personal data and has this one use (docs/decisions/0024). Nothing is stored.
 */
export function writeReportToken(personalData: Pick<PersonalData, 'digest'>, what: ReportLink): string {
  const words = Buffer.from(JSON.stringify(what)).toString('base64url');
  return `${words}.${personalData.digest(purpose, words).toString('base64url')}`;
}

/** Null for anything that we did not write. Whether it has expired is left to the caller. */
export function readReportToken(
  personalData: Pick<PersonalData, 'digest'>,
  token: string,
): ReportLink | null {
  const match = /^([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{43})$/.exec(token);
  if (!match?.[1] || !match[2]) return null;
  const expected = personalData.digest(purpose, match[1]);
  const given = Buffer.from(match[2], 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const parsed = link.safeParse(JSON.parse(Buffer.from(match[1], 'base64url').toString('utf8')));
  return parsed.success ? parsed.data : null;
}
