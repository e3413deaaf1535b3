import type { KeyOwner } from '../../db/tenant';
import { createFairShare } from './fairShare';
import { createRateMeter, type RateMeter } from './rateMeter';
import { createTokenBucket, type TokenBucket } from './tokenBucket';

/** What a route counts as: handing in orders, reading, or any other writing with a key. */
export type LimitKind = 'orders' | 'reads' | 'writes';

export const refusalReasons = ['keyRate', 'tenantRate', 'fairShare', 'inFlight', 'queueFull'] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Why a call is turned away before anything was done for it. */
export interface Refusal {
  reason: RefusalReason;
  retryAfterSeconds: number;
}

/** Bounds of one process; 0 switches one off. */
export interface LimitSettings {
  keyOrdersPerSecond: number;
  tenantOrdersPerSecond: number;
  /** Of reads, and again of all other writes. */
  keyCallsPerSecond: number;
  tenantCallsPerSecond: number;
  /** Orders that may be under way at once. */
  ordersInFlight: number;
  /** How busy the process may be while several tenants sell, before those that ask most are held back. */
  sharedBusyPercent: number;
}

export interface LimitsOptions {
  settings: LimitSettings;
  /** Whether the tenant's queue behind us takes no more. */
  isQueueFull(tenant: string): boolean;
  now(): number;
  loopMilliseconds(): number;
}

type Caller = Pick<KeyOwner, 'tenant' | 'keyId'>;

export interface Limits {
  /** Why a call would be turned away at this moment; null: it may try to enter. Takes nothing. */
  refusalOf(caller: Caller, kind: LimitKind): Refusal | null;
  /** Lets a call in, or says why not. An order that was let in must leave. */
  enter(caller: Caller, kind: LimitKind): Refusal | null;
  /** An order that was let in has been answered, or its caller is gone. */
  leave(tenant: string): void;
  /** Orders under way by tenant. */
  inFlight(): TenantLoad[];
}

export interface TenantLoad {
  tenant: string;
  orders: number;
}

/** A buyer's patience, and what a rate may save up: a sale begins with a leap. */
const burstSeconds = 10;
const longestRetrySeconds = 30;
const drainMemoryMs = 1_000;
const forgetMs = 60_000;
/** Of a level: small, so that what is let in of a flood comes evenly and nobody waits behind a heap of it. */
const shareBurstSeconds = 0.02;
const leastShareBurst = 2;

interface Account {
  buckets: Map<string, TokenBucket>;
  share: TokenBucket;
  shareLevel: number;
  inFlight: number;
  answered: RateMeter;
  seenAt: number;
}

/**
 * What stands before the work: rates of a key and of its tenant (429), and what the process can bear (503): a full
 * queue, too many orders under way, more than a fair share while others sell. Cheap enough to be asked before
 * anything of a request is read but its headers.
 */
export function createLimits({ settings, isQueueFull, now, loopMilliseconds }: LimitsOptions): Limits {
  const share = createFairShare({ busyPercent: settings.sharedBusyPercent, now, loopMilliseconds });
  const accounts = new Map<string, Account>();
  let underWay = 0;
  let sweptAt = now();

  function accountOf(tenant: string): Account {
    sweep();
    const account = accounts.get(tenant) ?? openAccount(now);
    account.seenAt = now();
    accounts.set(tenant, account);
    return account;
  }

  /** Tenants that have been still for a minute have full buckets: nothing is lost by forgetting them. */
  function sweep(): void {
    if (now() - sweptAt < forgetMs) return;
    sweptAt = now();
    for (const [tenant, { seenAt, inFlight }] of accounts) {
      if (inFlight === 0 && sweptAt - seenAt > forgetMs) accounts.delete(tenant);
    }
  }

  /** The buckets that a call takes from, with the rate of each. */
  function bucketsOf({ tenant, keyId }: Caller, kind: LimitKind): [RefusalReason, number, TokenBucket][] {
    const { buckets } = accountOf(tenant);
    const ofKey = kind === 'orders' ? settings.keyOrdersPerSecond : settings.keyCallsPerSecond;
    const ofTenant = kind === 'orders' ? settings.tenantOrdersPerSecond : settings.tenantCallsPerSecond;
    const bucket = (name: string, perSecond: number) => {
      const known = buckets.get(name);
      if (known) return known;
      const made = createTokenBucket({ perSecond, burst: perSecond * burstSeconds }, now);
      buckets.set(name, made);
      return made;
    };
    const limited: [RefusalReason, number, TokenBucket][] = [];
    if (ofKey > 0) limited.push(['keyRate', ofKey, bucket(`${kind} ${keyId}`, ofKey)]);
    if (ofTenant > 0) limited.push(['tenantRate', ofTenant, bucket(kind, ofTenant)]);
    return limited;
  }

  function refusalOf(caller: Caller, kind: LimitKind): Refusal | null {
    const spent = bucketsOf(caller, kind).find(([, , bucket]) => !bucket.has());
    const refusal = spent ? { reason: spent[0], retryAfterSeconds: 1 } : null;
    return refusal ?? (kind === 'orders' ? refusalOfOrder(caller.tenant) : null);
  }

  function refusalOfOrder(tenant: string): Refusal | null {
    const account = accountOf(tenant);
    const refuse = (reason: RefusalReason, seconds: number) => ({
      reason,
      retryAfterSeconds: Math.min(longestRetrySeconds, Math.max(1, Math.ceil(seconds))),
    });
    const drainSeconds = () => account.inFlight / Math.max(1, account.answered.perSecond());
    if (isQueueFull(tenant)) return refuse('queueFull', drainSeconds());
    if (isCrowded(tenant, account)) return refuse('inFlight', drainSeconds());
    if (hasShare(account)) return null;
    return refuse('fairShare', share.demandOf(tenant) / share.level());
  }

  /** While others sell nobody takes the last places: a tenant has half of them at most. */
  function isCrowded(tenant: string, { inFlight }: Account): boolean {
    if (settings.ordersInFlight === 0) return false;
    const most = share.hasOthers(tenant) ? settings.ordersInFlight / 2 : settings.ordersInFlight;
    return underWay >= settings.ordersInFlight || inFlight >= most;
  }

  function hasShare(account: Account): boolean {
    const level = share.level();
    if (level === Number.POSITIVE_INFINITY) return true;
    if (level !== account.shareLevel) {
      account.shareLevel = level;
      account.share.setPace({
        perSecond: level,
        burst: Math.max(leastShareBurst, level * shareBurstSeconds),
      });
    }
    return account.share.has();
  }

  return {
    refusalOf(caller, kind) {
      const refusal = refusalOf(caller, kind);
      if (refusal && kind === 'orders') share.asked(caller.tenant);
      return refusal;
    },
    enter(caller, kind) {
      const refusal = refusalOf(caller, kind);
      if (kind === 'orders') share.asked(caller.tenant);
      if (refusal) return refusal;
      for (const [, , bucket] of bucketsOf(caller, kind)) bucket.take();
      if (kind !== 'orders') return null;
      const account = accountOf(caller.tenant);
      if (share.level() !== Number.POSITIVE_INFINITY) account.share.take();
      account.inFlight += 1;
      underWay += 1;
      share.admitted();
      return null;
    },
    leave(tenant) {
      const account = accountOf(tenant);
      account.answered.happened();
      account.inFlight -= 1;
      underWay -= 1;
    },
    inFlight: () =>
      [...accounts]
        .filter(([, { inFlight }]) => inFlight > 0)
        .map(([tenant, { inFlight }]) => ({ tenant, orders: inFlight })),
  };
}

function openAccount(now: () => number): Account {
  return {
    buckets: new Map(),
    share: createTokenBucket({ perSecond: 0, burst: leastShareBurst }, now),
    shareLevel: Number.NaN,
    inFlight: 0,
    answered: createRateMeter({ memoryMs: drainMemoryMs, now }),
    seenAt: now(),
  };
}
