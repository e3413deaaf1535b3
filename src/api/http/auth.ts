import { createHash, timingSafeEqual } from 'node:crypto';
import { findKeyByHash, type KeyOwner, touchKeys } from '../../db/tenant';
import type { Database } from '../../db/transaction';
import type { Access } from './route';
import { Problem } from './problem';

export const tenantRoles = ['channel', 'ops', 'warehouse', 'host', 'leader', 'supplier'] as const;
export type TenantRole = (typeof tenantRoles)[number];
export type Role = TenantRole | 'platform';

/** Who calls. `platform` belongs to no tenant; `anonymous` came without need of a key. */
export type Principal = ({ role: TenantRole } & KeyOwner) | { role: 'platform' } | { role: 'anonymous' };

export interface Authenticator {
  /** Answers who may pass under this access, else throws 401 or 403. */
  authenticate(authorization: string | undefined, access: Access): Promise<Principal>;
  /** Forgets a key at once in this process; others forget within a second. */
  forget(keyId: string): void;
  /** Writes when keys were last used. */
  flush(): Promise<void>;
}

/** A revoked key works for at most this long in other processes. Half a second keeps well under the promised one. */
const cacheMilliseconds = 500;

interface Entry {
  owner: Promise<KeyOwner | null>;
  until: number;
}

/**
 * Checks bearer keys: SHA-256 of the key is looked up, so a stolen table opens nothing, and the platform key is
 * compared in constant time. Known keys are remembered for half a second; unknown ones never.
 */
export function createAuthenticator({
  platform,
  platformKey,
}: {
  platform: Database;
  platformKey: string;
}): Authenticator {
  const cache = new Map<string, Entry>();
  const used = new Map<string, KeyOwner>();
  const platformHash = sha256(platformKey);

  async function ownerOf(hash: Buffer): Promise<KeyOwner | null> {
    const now = performance.now();
    const name = hash.toString('base64');
    const known = cache.get(name);
    if (known && known.until > now) return known.owner;
    const owner = findKeyByHash(platform, hash);
    cache.set(name, { owner, until: now + cacheMilliseconds });
    const drop = () => {
      if (cache.get(name)?.owner === owner) cache.delete(name);
    };
    // a failed or fruitless look-up is not remembered
    return owner.then(
      (found) => (found ?? drop(), found),
      (error: unknown) => {
        drop();
        throw error;
      },
    );
  }

  return {
    async authenticate(authorization, access) {
      if (access === 'public' || access === 'signed') return { role: 'anonymous' };
      const hash = sha256(bearerOf(authorization));
      const principal = timingSafeEqual(hash, platformHash)
        ? ({ role: 'platform' } as const)
        : await ownerOf(hash);
      if (!principal) throw new Problem('unauthorized', { detail: 'The key is not known or was revoked.' });
      if (!access.includes(principal.role)) {
        throw new Problem('forbidden', {
          detail: `Keys of role ${principal.role} have no right to do that.`,
        });
      }
      if ('keyId' in principal) used.set(`${principal.tenant} ${principal.keyId}`, principal);
      return principal;
    },
    forget(keyId) {
      for (const [name, entry] of cache) {
        void entry.owner.then(
          (owner) => {
            if (owner?.keyId === keyId) cache.delete(name);
          },
          () => undefined,
        );
      }
    },
    async flush() {
      if (used.size === 0) return;
      const keys = [...used.values()];
      used.clear();
      await touchKeys(platform, keys);
    },
  };
}

function bearerOf(authorization: string | undefined): string {
  const match = /^Bearer +([!-~]{1,512})$/i.exec(authorization ?? '');
  if (!match?.[1])
    throw new Problem('unauthorized', { detail: 'Send the header Authorization: Bearer <key>.' });
  return match[1];
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
