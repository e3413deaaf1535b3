import type { ShowFacts } from './showFacts';

/** The facts of a session that no order names: everything that can be said of it is that there is nothing. */
export function describeEmptyShow({
  liveSessionId,
  madeAt,
  timeZone = 'Asia/Shanghai',
}: {
  liveSessionId: string;
  madeAt: string;
  timeZone?: string;
}): ShowFacts {
  return {
    liveSessionId,
    madeAt,
    timeZone,
    window: {
      startedAt: madeAt,
      from: madeAt,
      salesEnd: madeAt,
      countedUntil: madeAt,
      bucketSeconds: 1,
      buckets: 1,
    },
    orders: [],
    timeline: [],
    goods: [],
    turns: [],
    hot: [],
    stock: [],
    parcels: [],
    shipments: { ordersInSeveral: 0, mixedParcels: 0 },
    promises: [],
    unkept: [],
    spans: [],
    planning: [],
    attention: [],
    refunds: [],
    lateMoney: [],
    waitingList: {
      waited: 0,
      served: 0,
      paid: 0,
      left: 0,
      timedOut: 0,
      unservable: 0,
      inLine: 0,
      servedAfter: null,
    },
    presale: [],
  };
}
