import type { KeyOwner } from '../../db/tenant';
import type { Refusal } from './refusal';
import { createTokenBucket, type TokenBucket } from './tokenBucket';

/** What a route counts as: handing in orders, reading, or any other writing with a key. */
export type LimitKind = 'orders' | 'reads' | 'writes';
export type Caller = Pick<KeyOwner, 'tenant' | 'keyId'>;

/** Calls a second of one key, and of all keys of a tenant; 0 is no limit. */
export interface RateSettings {
  keyOrdersPerSecond: number;
  tenantOrdersPerSecond: number;
  /** Of reads, and again of all other writes. */
  keyCallsPerSecond: number;
  tenantCallsPerSecond: number;
}

export interface Rates {
  /** Whether a rate is spent. Takes nothing. */
  refusalOf(caller: Caller, kind: LimitKind): Refusal | null;
  take(caller: Caller, kind: LimitKind): void;
}

/** A sale begins with a leap: what a rate may save up. */
const burstSeconds = 10;
/** Far longer than a bucket takes to fill: nothing is lost by forgetting one. */
const forgetMs = 60_000;
/** In a bucket with a token missing, one is there again within a second. */
const retryAfterSeconds = 1;

/** Token buckets of keys and of tenants, one each for orders, reads and writes. */
export function createRates(settings: RateSettings, now: () => number): Rates {
  const buckets = new Map<string, { bucket: TokenBucket; usedAt: number }>();
  let sweptAt = now();

  function bucketOf(name: string, perSecond: number): TokenBucket | null {
    if (perSecond === 0) return null;
    const known = buckets.get(name) ?? {
      bucket: createTokenBucket({ perSecond, burst: perSecond * burstSeconds }, now),
      usedAt: 0,
    };
    known.usedAt = now();
    buckets.set(name, known);
    return known.bucket;
  }

  function sweep(): void {
    if (now() - sweptAt < forgetMs) return;
    sweptAt = now();
    for (const [name, { usedAt }] of buckets) if (sweptAt - usedAt > forgetMs) buckets.delete(name);
  }

  function ofKey({ tenant, keyId }: Caller, kind: LimitKind): TokenBucket | null {
    const { keyOrdersPerSecond, keyCallsPerSecond } = settings;
    return bucketOf(`${kind} ${tenant} ${keyId}`, kind === 'orders' ? keyOrdersPerSecond : keyCallsPerSecond);
  }

  function ofTenant({ tenant }: Caller, kind: LimitKind): TokenBucket | null {
    const { tenantOrdersPerSecond, tenantCallsPerSecond } = settings;
    return bucketOf(`${kind} ${tenant}`, kind === 'orders' ? tenantOrdersPerSecond : tenantCallsPerSecond);
  }

  return {
    refusalOf(caller, kind) {
      if (ofKey(caller, kind)?.has() === false) return { reason: 'keyRate', retryAfterSeconds };
      if (ofTenant(caller, kind)?.has() === false) return { reason: 'tenantRate', retryAfterSeconds };
      return null;
    },
    take(caller, kind) {
      sweep();
      ofKey(caller, kind)?.take();
      ofTenant(caller, kind)?.take();
    },
  };
}
