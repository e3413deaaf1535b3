import type { OrderTotals, ParcelTotals, PromiseTotals, Recount } from './showReport';
import type { ShopSight } from './shopSight';

export const brokenKinds = [
  'oversold',
  'unbalanced',
  'mixedParcels',
  'lostOrders',
  'unbackedUnits',
  'moneyUnaccounted',
  'repeatsDiffer',
] as const;
/** Promises of the product itself: none of them may ever be broken, whatever partners and buyers do. */
export type BrokenKind = (typeof brokenKinds)[number];

export interface ShowVerdict {
  broken: { kind: BrokenKind; count: number }[];
  /** Promises to buyers that were not kept: late, overdue or brought back. */
  unkept: number;
  /** Orders that something must still happen to. */
  open: number;
}

const openStates = ['waiting', 'awaitingPayment', 'paid', 'fulfilling'] as const;

/** What the books themselves say: oversold units, SKUs that do not add up, parcels that mix zones; and what is late or open. */
export function judgeShow({
  orders,
  promises,
  parcels,
  recount,
}: {
  orders: OrderTotals;
  promises: PromiseTotals;
  parcels: ParcelTotals;
  recount: Recount;
}): ShowVerdict {
  return {
    broken: atLeastOne({
      oversold: recount.oversold,
      unbalanced: recount.unbalanced,
      mixedParcels: parcels.mixed,
    }),
    unkept: promises.late + promises.overdue + promises.returned,
    open: openStates.reduce((total, state) => total + (orders.byState[state] ?? 0), 0),
  };
}

/** What only the shop can tell: an acknowledged order that is gone, money that no order shows, goods without a lot. */
export function judgeShop(shop: ShopSight): ShowVerdict['broken'] {
  return atLeastOne({
    lostOrders: shop.lostOrders,
    unbackedUnits: shop.unbackedUnits,
    moneyUnaccounted: shop.moneyUnaccountedFen,
    repeatsDiffer: shop.repeats.different,
  });
}

function atLeastOne(counts: Partial<Record<BrokenKind, number>>): ShowVerdict['broken'] {
  return brokenKinds.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    return count > 0 ? [{ kind, count }] : [];
  });
}
