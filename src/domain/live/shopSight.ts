/** What only the shop that placed the orders can have seen: answers, refusals, lost words, its own waiting. */
export interface ShopSight {
  offered: number;
  accepted: number;
  refusedSoldOut: number;
  otherRefusals: Record<string, number>;
  unanswered: number;
  boughtWithoutSoldOutGoods: number;
  /** The same order sent again: answered word for word the same, or not. */
  repeats: { sent: number; same: number; different: number };
  paymentsToldTwice: number;
  /** Acknowledged orders that the API does not know; must be 0. */
  lostOrders: number;
  /** Units of paid orders without a lot behind them; must be 0. */
  unbackedUnits: number;
  /** Money the provider took that no order shows; must be 0. */
  moneyUnaccountedFen: number;
  /** Milliseconds from pressing the button to the first answer. */
  intake: {
    p50Ms: number | null;
    p99Ms: number | null;
    longestMs: number | null;
    peakPerSecond: number;
    /** Requests that had to be sent again. */
    resent: number;
  };
  /** Of the orders pressed in each second of the show; null where there was none. */
  intakePerSecond: { p50Ms: number | null; p99Ms: number | null }[];
  faults: Record<string, number>;
}
