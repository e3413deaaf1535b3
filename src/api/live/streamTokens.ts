import { z } from 'zod';
import { tenantText } from '../http/schema';
import type { TokenKind } from '../http/signedToken';

/** Opens the sellable stream of one tenant until it expires or its key is revoked. */
export interface StreamToken {
  tenant: string;
  keyId: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

export const streamToken: TokenKind<StreamToken> = {
  purpose: 'stream token',
  claims: z.strictObject({ tenant: tenantText, keyId: z.string().max(128), expiresAt: z.int().min(0) }),
};
