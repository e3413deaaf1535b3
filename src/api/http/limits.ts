import { createPlaces, type PlaceSettings, type PlacesOptions, type TenantLoad } from './places';
import { type Caller, createRates, type LimitKind, type RateSettings } from './rates';
import type { Refusal } from './refusal';

/** Bounds of one process; 0 is no limit. */
export type LimitSettings = RateSettings & PlaceSettings;
export type LimitsOptions = Omit<PlacesOptions, 'settings'> & { settings: LimitSettings };

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

/**
 * What stands before the work: rates of a key and of its tenant (429), and what the process can bear (503). Cheap
 * enough to be asked before anything of a request is read but its headers.
 */
export function createLimits({ settings, ...options }: LimitsOptions): Limits {
  const rates = createRates(settings, options.now);
  const places = createPlaces({ settings, ...options });
  const refusalOf = (caller: Caller, kind: LimitKind) =>
    rates.refusalOf(caller, kind) ?? (kind === 'orders' ? places.refusalOf(caller.tenant) : null);
  return {
    refusalOf(caller, kind) {
      const refusal = refusalOf(caller, kind);
      // who is turned away comes no further and is counted here; who enters is counted there
      if (refusal && kind === 'orders') places.asked(caller.tenant);
      return refusal;
    },
    enter(caller, kind) {
      if (kind === 'orders') places.asked(caller.tenant);
      const refusal = refusalOf(caller, kind);
      if (refusal) return refusal;
      rates.take(caller, kind);
      if (kind === 'orders') places.take(caller.tenant);
      return null;
    },
    leave: places.leave,
    inFlight: places.inFlight,
  };
}
