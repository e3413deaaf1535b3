import type { OrderView } from './orderView';
import type { PlannedOrder } from './showModel';

/** What the demo knows of one buyer: what was offered, what was acknowledged, and how it stands. */
export interface LedgerEntry {
  plan: PlannedOrder;
  /** Slug of every refusal, in order; the last one is final unless `orderId` is set. */
  refusals: string[];
  /** Milliseconds from the moment the buyer pressed the button to the first answer, resends included. */
  answeredAfterMs?: number;
  /** The API acknowledged the order: from here on it may never be lost. */
  orderId?: string;
  acknowledgedState?: string;
  totalFen: number;
  expiresAtMs?: number;
  deliverBy?: string;
  /** While in line: when this buyer's patience ends. */
  leavesAtMs?: number;
  /** The goods left out after "sold out". */
  boughtWithout?: string[];
  /** Same order sent again: did it come back word for word? */
  repeat?: 'same' | 'different';
  /** The provider took this buyer's money. */
  chargedFen: number;
  chargedLate?: boolean;
  cancelOutcome?: string;
  view?: OrderView;
  viewedAtMs: number;
  /** The order was acknowledged and the API says it does not exist. */
  missing?: boolean;
}

export interface Ledger {
  entries: LedgerEntry[];
  /** What went wrong on the way to an answer, by message; nothing of it is an order. */
  faults: Map<string, number>;
  noteFault(what: string): void;
}

export function createLedger(orders: PlannedOrder[]): Ledger {
  const faults = new Map<string, number>();
  return {
    entries: orders.map((plan) => ({ plan, refusals: [], totalFen: 0, chargedFen: 0, viewedAtMs: 0 })),
    faults,
    noteFault(what) {
      faults.set(what, (faults.get(what) ?? 0) + 1);
    },
  };
}

/**
 * Nothing more will happen to this order by itself: it is delivered, expired or cancelled with its money settled, or a
 * person has to decide.
 */
export function isSettled({ orderId, view, chargedFen, chargedLate, missing }: LedgerEntry): boolean {
  if (orderId === undefined || missing) return true;
  if (!view) return false;
  if (view.attention) return true;
  if (view.paidFen < chargedFen) return false;
  if (chargedLate && !view.latePayment && view.state === 'expired') return false;
  switch (view.state) {
    case 'delivered':
      return true;
    case 'cancelled':
    case 'expired':
      return view.refundedFen === view.paidFen;
    default:
      return false;
  }
}

/** False where waiting is no use: settled, or unpaid by somebody who did nothing more, on a hold that outlasts the show. */
export function mayStillEnd(entry: LedgerEntry, deadlineAtMs: number): boolean {
  if (isSettled(entry)) return false;
  const isForgotten =
    entry.view?.state === 'awaitingPayment' && entry.chargedFen === 0 && !entry.cancelOutcome;
  return !(isForgotten && (entry.expiresAtMs ?? 0) > deadlineAtMs);
}

/** Settled for good, with nobody left to ask. */
export function hasEnded(entry: LedgerEntry): boolean {
  return isSettled(entry) && !entry.missing && entry.view?.attention === null;
}

export interface Progress {
  offered: number;
  accepted: number;
  refused: number;
  paid: number;
  fulfilling: number;
  delivered: number;
  expired: number;
  cancelled: number;
  attention: number;
  /** Acknowledged orders that something must still happen to. */
  backlog: number;
}

export function countProgress(ledger: Ledger): Progress {
  const progress: Progress = {
    offered: 0,
    accepted: 0,
    refused: 0,
    paid: 0,
    fulfilling: 0,
    delivered: 0,
    expired: 0,
    cancelled: 0,
    attention: 0,
    backlog: 0,
  };
  for (const entry of ledger.entries) {
    if (entry.answeredAfterMs === undefined) continue;
    progress.offered += 1;
    if (entry.orderId === undefined) {
      progress.refused += 1;
      continue;
    }
    progress.accepted += 1;
    if (entry.view?.attention) progress.attention += 1;
    if (!isSettled(entry)) progress.backlog += 1;
    const state = entry.view?.state ?? entry.acknowledgedState;
    if (entry.chargedFen > 0 || (entry.view?.paidFen ?? 0) > 0 || state === 'paid') progress.paid += 1;
    if (state === 'fulfilling' || state === 'delivered' || state === 'expired' || state === 'cancelled')
      progress[state] += 1;
  }
  return progress;
}
