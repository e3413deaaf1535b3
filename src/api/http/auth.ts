import { hash as digestOf, timingSafeEqual } from 'node:crypto';
import { type KeyOwner, touchKeys } from '../../db/tenant';
import type { Database } from '../../db/transaction';
import { createKeyBook, type KeyBook } from './keyBook';
import { Problem } from './problem';

export const tenantRoles = ['channel', 'ops', 'warehouse', 'host', 'leader', 'supplier'] as const;
export type TenantRole = (typeof tenantRoles)[number];
export type Role = TenantRole | 'platform';

/** Who calls. `platform` belongs to no tenant; `anonymous` came without need of a key. */
export type Principal = ({ role: TenantRole } & KeyOwner) | { role: 'platform' } | { role: 'anonymous' };

export interface Authenticator {
  /** Answers whose key it is, whatever they may do with it; else throws 401. */
  identify(authorization: string | undefined): Promise<Principal>;
  /** What is known of a caller without asking the database (see `KeyBook`): enough to turn one away. */
  recall(authorization: string | undefined): ReturnType<KeyBook['recall']>;
  /** Forgets a key at once in this process; others forget within a second. */
  forget(keyId: string): void;
  /** Writes when keys were last used. */
  flush(): Promise<void>;
}

/**
 * Checks bearer keys: SHA-256 of the key is looked up, so a stolen table opens nothing, and the platform key is
 * compared in constant time.
 */
export function createAuthenticator({
  platform,
  platformKey,
}: {
  platform: Database;
  platformKey: string;
}): Authenticator {
  const book = createKeyBook(platform);
  const used = new Map<string, KeyOwner>();
  const platformHash = sha256(platformKey);

  return {
    async identify(authorization) {
      const bearer = bearerOf(authorization);
      if (bearer === undefined)
        throw new Problem('unauthorized', { detail: 'Send the header Authorization: Bearer <key>.' });
      const hash = sha256(bearer);
      if (timingSafeEqual(hash, platformHash)) return { role: 'platform' };
      const owner = await book.find(hash);
      if (!owner) throw unknownKey();
      used.set(`${owner.tenant} ${owner.keyId}`, owner);
      return owner;
    },
    recall(authorization) {
      const bearer = bearerOf(authorization);
      if (bearer === undefined) return 'notYet';
      const hash = sha256(bearer);
      return timingSafeEqual(hash, platformHash) ? 'notYet' : book.recall(hash);
    },
    forget: book.forget,
    async flush() {
      if (used.size === 0) return;
      const keys = [...used.values()];
      used.clear();
      await touchKeys(platform, keys);
    },
  };
}

export function unknownKey(): Problem {
  return new Problem('unauthorized', { detail: 'The key is not known or was revoked.' });
}

/** Throws 403 unless this caller may do what asks for one of these roles. */
export function expectRole({ role }: Principal, roles: readonly Role[]): void {
  if (role !== 'anonymous' && roles.includes(role)) return;
  throw new Problem('forbidden', { detail: `Keys of role ${role} have no right to do that.` });
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([!-~]{1,512})$/i.exec(authorization ?? '')?.[1];
}

export function sha256(text: string): Buffer {
  return digestOf('sha256', text, 'buffer');
}
