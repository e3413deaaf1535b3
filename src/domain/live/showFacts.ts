import type { Zone } from '../catalogue/model';
import type { OrderState } from '../order/model';

/** What PostgreSQL knows of one live session, as a few set-wise queries give it. Instants are ISO text in UTC. */
export interface ShowFacts {
  liveSessionId: string;
  madeAt: string;
  timeZone: string;
  window: ShowWindow;
  orders: OrderCount[];
  timeline: TimelineBucket[];
  goods: SoldGoods[];
  turns: SellableTurn[];
  hot: SellablePoint[];
  stock: CountedSku[];
  parcels: ParcelCount[];
  shipments: { ordersInSeveral: number; mixedParcels: number };
  promises: PromiseCount[];
  unkept: UnkeptPromise[];
  spans: TimeSpan[];
  planning: PlanningBucket[];
  attention: AttentionCount[];
  refunds: RefundCount[];
  lateMoney: { outcome: LateOutcome; orders: number }[];
  waitingList: WaitingListCount;
  presale: PresaleCount[];
}

/**
 * `startedAt` is the first order, `from` the start of its bucket. Sales are drawn until `salesEnd` (the last order or payment,
 * at most an hour after the last order); stock is counted until `countedUntil`: the end of the last order, or now
 * while one is open.
 */
export interface ShowWindow {
  startedAt: string;
  from: string;
  salesEnd: string;
  countedUntil: string;
  bucketSeconds: number;
  buckets: number;
}

export interface OrderCount {
  state: OrderState;
  channel: string;
  deliveryMethod: string;
  orders: number;
  paidOrders: number;
  totalFen: number;
  paidFen: number;
  refundedFen: number;
}

/** Buckets in which nothing happened are absent. */
export interface TimelineBucket {
  bucket: number;
  placed: number;
  paid: number;
}

/** Units of one SKU that the session's orders took from the shelf (gift boxes as their components). */
export interface SoldGoods {
  sku: string;
  name: string;
  zone: Zone;
  taken: number;
  /** Holds that ended unpaid, cancelled unpaid, or were given back after payment. */
  expired: number;
  released: number;
  uncommitted: number;
  /** Units that a paid order still owns or has got. */
  kept: number;
  /** Of what came back, by lot: what no longer lies free at the end was taken by somebody else. */
  soldAgain: number;
}

/** An instant at which a SKU's sellable units reached zero or rose above it. */
export interface SellableTurn {
  sku: string;
  at: string;
  sellable: number;
}

/** Sellable units of a hot SKU at the end of a bucket; bucket −1 is what there was before the first order. */
export interface SellablePoint {
  sku: string;
  bucket: number;
  sellable: number;
}

/** One SKU counted through the journal, over all its sites and lots. */
export interface CountedSku {
  sku: string;
  opening: number;
  arrived: number;
  /** Left with a carrier or leader, whoever bought it. */
  sold: number;
  /** Of `sold`, by this session's orders. */
  soldHere: number;
  /** Everything else that changed what lies there: waste, counts, transfers; positive where units are gone. */
  waste: number;
  /** From the balances, less what was journalled afterwards. */
  closing: number;
  movements: number;
  lots: number;
  /** Units promised beyond what was there, at the worst instant of each lot. */
  oversold: number;
}

export interface ParcelCount {
  siteId: string;
  siteName: string;
  zone: Zone;
  by: 'carrier' | 'leader';
  shipments: number;
  parcels: number;
  costFen: number;
}

export const promiseOutcomes = ['kept', 'late', 'overdue', 'due', 'returned'] as const;
/**
 * kept: handed over by the promise · late: afterwards · overdue: past, and not there yet · due: still to come ·
 * returned: ended without a hand-over.
 */
export type PromiseOutcome = (typeof promiseOutcomes)[number];

export interface PromiseCount {
  /** Local hour of `deliverBy`: `2026-11-25 21`. */
  hour: string;
  outcome: PromiseOutcome;
  orders: number;
}

export interface UnkeptPromise {
  orderId: string;
  channel: string;
  externalId: string;
  outcome: 'late' | 'overdue' | 'returned';
  deliverBy: string;
  deliveredAt: string | null;
  sites: string[];
  /** Carriers and leaders that had it. */
  via: string[];
}

export const spanKinds = ['holdToPayment', 'paymentToPlan', 'planToBooking', 'paymentToDelivery'] as const;
export type SpanKind = (typeof spanKinds)[number];

/** How long a step took, over the session's orders (bookings: shipments), in seconds. */
export interface TimeSpan {
  kind: SpanKind;
  count: number;
  p50: number;
  p90: number;
  p99: number;
  longest: number;
}

/** Payment to plan, of the orders paid in a bucket, in seconds. */
export interface PlanningBucket {
  bucket: number;
  p50: number;
  p99: number;
}

export interface AttentionCount {
  reason: string;
  open: number;
  pastDeadline: number;
  /** Mended by itself. */
  cleared: number;
  /** Decided by people. */
  decided: number;
  p50Minutes: number | null;
  longestMinutes: number | null;
}

export interface RefundCount {
  reason: string;
  refunds: number;
  confirmed: number;
  amountFen: number;
  confirmedFen: number;
}

export type LateOutcome = 'reheld' | 'repromised' | 'refunded';

/**
 * The session's orders that stood in line, by how that ended: `waited` is the sum of served, left, timedOut, unservable
 * and inLine.
 */
export interface WaitingListCount {
  waited: number;
  /** Got their units and a window to pay in. */
  served: number;
  /** Of those served. */
  paid: number;
  /** Cancelled by the buyer or the shop before their turn. */
  left: number;
  /** In line until their wait was over. */
  timedOut: number;
  /** Would have been refused whatever came free when it came to that. */
  unservable: number;
  /** Still waiting. */
  inLine: number;
  /** Seconds in line of those served; null while nobody was. */
  servedAfter: { p50: number; p95: number; longest: number } | null;
}

export interface PresaleCount {
  campaignId: string;
  sku: string;
  name: string;
  region: string;
  held: number;
  paid: number;
  /** Held and not paid in time, cancelled, or given back. */
  gone: number;
}
