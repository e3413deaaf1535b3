import { z } from 'zod';
import { idText, tenantText } from '../http/schema';
import type { TokenKind } from '../http/signedToken';

/** What a link opens, until when, and whose key made it: the link ends with that key. */
export interface ReportLink {
  tenant: string;
  liveSessionId: string;
  keyId: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

export const reportLink: TokenKind<ReportLink> = {
  purpose: 'report link',
  claims: z.strictObject({
    tenant: tenantText,
    liveSessionId: idText,
    keyId: z.string().max(128),
    expiresAt: z.int().min(0),
  }),
};
