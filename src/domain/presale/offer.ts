import { addDays } from '../network/calendar';
import type { LocalDate } from '../network/model';

export const offerKinds = ['laterDate', 'refund'] as const;
export type OfferKind = (typeof offerKinds)[number];

export const offerStates = ['open', 'accepted', 'declined', 'lapsed', 'withdrawn'] as const;
export type OfferState = (typeof offerStates)[number];

/** The declared graph (I9); the database's trigger holds the same pairs. Every end is final. */
export const offerSteps: Record<OfferState, readonly OfferState[]> = {
  open: ['accepted', 'declined', 'lapsed', 'withdrawn'],
  accepted: [],
  declined: [],
  lapsed: [],
  withdrawn: [],
};

/** When neither the supplier nor a rule says how long a new delivery takes. */
const unknownLeadDays = 7;

/**
 * The concrete day offered to a buyer whose presale goods have not come: as long after the promised day (or today,
 * if that has passed) as the slowest of the SKU's suppliers needs, else the SKU's presale lead, else a week. Always
 * later than the promise.
 */
export function chooseLaterDate({
  promisedOn,
  today,
  supplierLeadDays,
  presaleLeadDays,
}: {
  promisedOn: LocalDate;
  today: LocalDate;
  supplierLeadDays: number | null;
  presaleLeadDays: number | null;
}): LocalDate {
  const from = promisedOn > today ? promisedOn : today;
  return addDays(from, Math.max(1, supplierLeadDays ?? presaleLeadDays ?? unknownLeadDays));
}
