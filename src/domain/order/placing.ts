import type { Instant } from '../network/model';
import { type AdmissionRefusal, type AdmissionState, type Admitted, planAdmission } from './admission';
import {
  checkUnpaidLimits,
  chooseGivingWay,
  type UnpaidLimitRefusal,
  type UnpaidOrder,
  withoutOrders,
} from './givingWay';
import type { DeliveryPromise, Destination, PlannedLine } from './model';
import { chooseHold } from './scarcity';
import {
  isAboutUnits,
  keepForWaiting,
  planInPlenty,
  type WaitingDemand,
  waitingDemand,
  waitUntil,
} from './waitingList';

/** A new order, as the buyer asks for it. */
export interface PlacingRequest {
  lines: PlannedLine[];
  destination: Destination;
  liveSessionId: string | null;
  /** It came with its payment, or costs nothing: nothing is held unpaid. */
  paid: boolean;
  /** It may wait in line if there is nothing to be had. */
  mayWait: boolean;
}

export interface PlacingState {
  admission: AdmissionState;
  /** Units of each SKU's shelf that those in line ask for, and that are kept for them. */
  waiting: Map<string, number>;
  /** Units of each SKU that the buyer holds unpaid; only where a limit asks for it. */
  unpaid: Map<string, number>;
  /** The buyer's own unpaid orders of the same SKUs that may give way. */
  own: UnpaidOrder[];
}

export interface PlacingRules {
  /** The default hold. */
  paymentWindowSeconds: number;
  /** How long anybody waits in line at most. */
  waitingSeconds: number;
}

export type Placing =
  | { kind: 'admitted'; admitted: Admitted; payableUntil: Instant; givesWay: UnpaidOrder[] }
  | { kind: 'waiting'; until: Instant; demand: WaitingDemand[]; promise: DeliveryPromise }
  | AdmissionRefusal
  | UnpaidLimitRefusal;

/**
 * Decides a new order: admitted with the units that nobody in line asks for, if need be at the cost of its own buyer's
 * older unpaid orders; else in line, if it may wait and does not wait in vain; else refused. Pure.
 */
export function decidePlacing(request: PlacingRequest, given: PlacingState, rules: PlacingRules): Placing {
  const plan = (without: UnpaidOrder[]) => planWithout(request, { ...given, without }, rules);
  const first = plan([]);
  if (first.kind === 'admitted') return { ...first, givesWay: [] };
  if (given.own.length > 0) {
    const chosen = chooseGivingWay(given.own, plan);
    if (chosen) return chosen;
  }
  if (request.mayWait && isAboutUnits(first)) return queue(request, given.admission, rules) ?? first;
  return first;
}

type Planned =
  | { kind: 'admitted'; admitted: Admitted; payableUntil: Instant }
  | AdmissionRefusal
  | UnpaidLimitRefusal;

/** The plan as if some of the buyer's own unpaid orders were not there. */
function planWithout(
  { lines, destination, liveSessionId, paid }: PlacingRequest,
  { admission, waiting, unpaid, without }: PlacingState & { without: UnpaidOrder[] },
  { paymentWindowSeconds }: PlacingRules,
): Planned {
  const limit = paid ? null : checkUnpaidLimits(lines, { skus: admission.skus, unpaid, without });
  if (limit) return limit;
  // kept before anything is given back: what the buyer's own order returns is the buyer's to take again
  const kept = keepForWaiting(admission, waiting);
  const seenBy = { liveSessionId, pickupPointId: destination.pickupPointId };
  const state = without.length === 0 ? kept : withoutOrders(kept, { orders: without, seenBy });
  const payableUntil = paid ? state.now : state.now + chooseHold(lines, { state, paymentWindowSeconds });
  const plan = planAdmission({ lines, destination, payableUntil }, state);
  return plan.kind === 'admitted' ? { kind: 'admitted', admitted: plan, payableUntil } : plan;
}

/** Null: it would be refused whatever came free. */
function queue(
  { lines, destination }: PlacingRequest,
  state: AdmissionState,
  { paymentWindowSeconds, waitingSeconds }: PlacingRules,
): Placing | null {
  const payableUntil = state.now + chooseHold(lines, { state, paymentWindowSeconds });
  const best = planInPlenty({ lines, destination, payableUntil }, state);
  if (best.kind !== 'admitted') return null;
  return {
    kind: 'waiting',
    until: waitUntil({
      now: state.now,
      waitingSeconds,
      window: destination.window,
      closesAt: lines.flatMap((line) => state.campaigns.get(line.campaignId ?? '')?.closesAt ?? []),
    }),
    demand: waitingDemand(lines, destination.region),
    promise: best.promise,
  };
}
