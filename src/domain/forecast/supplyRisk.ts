import type { Instant, LocalDate } from '../network/model';

/** Units of one SKU that presale has promised to one order and not yet taken from a shelf. */
export interface PromisedUnits {
  orderId: string;
  units: number;
  /** The last day on which the promise can be kept. */
  dueOn: LocalDate;
  paidAt: Instant;
}

/** What suppliers are to deliver on a day. */
export interface SupplyOfDay {
  date: LocalDate;
  units: number;
}

export interface SupplyRisk {
  /** Promised units that the supply does not cover. */
  shortUnits: number;
  /** Orders that go without, in promise order. */
  orderIds: string[];
  /** The first day by which something promised is missing; null when nothing is. */
  firstShortOn: LocalDate | null;
}

/** Promise order: promised date, then time of payment, then order id. */
export function byPromise(a: PromisedUnits, b: PromisedUnits): number {
  if (a.dueOn !== b.dueOn) return a.dueOn < b.dueOn ? -1 : 1;
  if (a.paidAt !== b.paidAt) return a.paidAt - b.paidAt;
  return a.orderId < b.orderId ? -1 : a.orderId > b.orderId ? 1 : 0;
}

/**
 * Which presale orders the supply to come cannot keep. Orders take from it in promise order, each from what has come
 * by its last day, so that the latest promises are at risk first. What is due after the last day of the supply is not
 * judged: more may come.
 */
export function planSupplyRisk(
  promised: readonly PromisedUnits[],
  supply: readonly SupplyOfDay[],
): SupplyRisk {
  const days = [...supply].sort((a, b) => (a.date < b.date ? -1 : 1));
  const lastDay = days.at(-1)?.date;
  const risk: SupplyRisk = { shortUnits: 0, orderIds: [], firstShortOn: null };
  if (lastDay === undefined) return risk;
  let next = 0;
  let left = 0;
  for (const order of [...promised].sort(byPromise)) {
    if (order.dueOn > lastDay) break;
    for (let day = days[next]; day !== undefined && day.date <= order.dueOn; day = days[next]) {
      left += day.units;
      next += 1;
    }
    if (order.units <= left) {
      left -= order.units;
    } else {
      risk.shortUnits += order.units - left;
      left = 0;
      if (!risk.orderIds.includes(order.orderId)) risk.orderIds.push(order.orderId);
      risk.firstShortOn ??= order.dueOn;
    }
  }
  return risk;
}
