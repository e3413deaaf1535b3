import type { ShopSight } from '../../domain/live/shopSight';
import type { SeedSku, Zone } from '../seed/seedModel';
import { type Ledger, type LedgerEntry, isSettled } from './ledger';
import type { OrderView } from './orderView';
import { explodeLines } from './planShow';
import type { PresaleOutcome } from './presaleAct';
import type { Recount } from './recount';
import type { Show } from './showModel';

/** The show as the shop lived it: from its own answers, from the orders read back, and from the journal over HTTP. */
export interface ShopReport extends ShopSight {
  liveSessionId: string;
  startedAt: string;
  endedAt: string;
  durationSeconds: number;
  paid: number;
  expired: number;
  cancelled: number;
  delivered: number;
  /** Acknowledged, neither ended nor in attention when the report was made. */
  stillOpen: number;
  attention: Record<string, number>;
  latePayments: { told: number; reheld: number; repromised: number; refunded: number; undecided: number };
  cancellations: Record<string, number>;
  /** As the orders' own timelines tell it; the server's report counts it from its books. */
  waitingList: WaitingOutcome;
  /** Overdrawn units in the journal plus units of paid orders without a lot behind them; must be 0. */
  oversoldUnits: number;
  journal: { movements: number; lots: number; unbalancedLots: string[] };
  onTime: { ordersDelivered: number; onTime: number; rate: number | null };
  shipments: { total: number; byCarrier: number; byLeader: number; ordersInSeveral: number };
  parcels: Record<Zone, number> & { mixed: number };
  money: { paidFen: number; refundedFen: number };
  arrivalsPerSecond: number[];
  hot: Array<{ sku: string; name: string; asked: number; sold: number; refused: number }>;
  /** Absent when the campaign did not come to its end; `faults` then say why. */
  presale?: PresaleOutcome;
}

/** How it went for those who stood in line; `left` are all who went unserved. */
interface WaitingOutcome {
  waited: number;
  served: number;
  paid: number;
  left: number;
  /** In line until served; null while nobody was. */
  p50Seconds: number | null;
  p95Seconds: number | null;
}

export interface ReportInput {
  show: Show;
  ledger: Ledger;
  recount: Recount;
  skus: Map<string, SeedSku>;
  startedAtMs: number;
  endedAtMs: number;
  resent: number;
  presale?: PresaleOutcome;
}

const soldOutSlugs = ['sold-out', 'quota-exhausted'];

/** Everything the shop can say of its show, computed from what the shop saw and from the journal. Pure. */
export function computeShopReport(input: ReportInput): ShopReport {
  const { show, ledger, recount, skus, startedAtMs, endedAtMs } = input;
  const answered = ledger.entries.filter((entry) => entry.answeredAfterMs !== undefined);
  const accepted = answered.filter((entry) => entry.orderId !== undefined);
  const refused = answered.filter((entry) => entry.orderId === undefined);
  const lastRefusals = countBy(refused.map((entry) => entry.refusals.at(-1) ?? 'unknown'));
  const views = accepted.flatMap((entry) => (entry.view ? [entry.view] : []));
  const unbackedUnits = views.reduce((sum, view) => sum + countUnbacked(view, skus), 0);
  return {
    liveSessionId: show.liveSessionId,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    durationSeconds: Math.round((endedAtMs - startedAtMs) / 1000),
    offered: ledger.entries.length,
    accepted: accepted.length,
    refusedSoldOut: soldOutSlugs.reduce((sum, slug) => sum + (lastRefusals[slug] ?? 0), 0),
    otherRefusals: Object.fromEntries(
      Object.entries(lastRefusals).filter(([slug]) => !soldOutSlugs.includes(slug)),
    ),
    unanswered: ledger.entries.length - answered.length,
    boughtWithoutSoldOutGoods: accepted.filter((entry) => entry.boughtWithout).length,
    paid: accepted.filter((entry) => (entry.view?.paidFen ?? 0) > 0).length,
    ...countStates(views),
    stillOpen: accepted.filter((entry) => !isSettled(entry)).length,
    attention: countBy(views.flatMap((view) => (view.attention ? [view.attention.reason] : []))),
    latePayments: countLate(accepted),
    repeats: countRepeats(ledger.entries),
    paymentsToldTwice: accepted.filter((entry) => entry.plan.toldTwice && entry.chargedFen > 0).length,
    cancellations: countBy(accepted.flatMap((entry) => (entry.cancelOutcome ? [entry.cancelOutcome] : []))),
    waitingList: countWaiting(accepted),
    oversoldUnits: recount.oversoldUnits + unbackedUnits,
    unbackedUnits,
    lostOrders: accepted.filter((entry) => entry.missing).length,
    moneyUnaccountedFen: accepted.reduce((sum, entry) => sum + missingMoney(entry), 0),
    journal: { movements: recount.movements, lots: recount.lots, unbalancedLots: recount.unbalancedLots },
    onTime: judgePunctuality(views),
    shipments: countShipments(views),
    parcels: countParcels(views, skus),
    money: {
      paidFen: views.reduce((sum, view) => sum + view.paidFen, 0),
      refundedFen: views.reduce((sum, view) => sum + view.refundedFen, 0),
    },
    intake: {
      ...judgeIntake(answered),
      peakPerSecond: Math.max(0, ...countPerSecond(show)),
      resent: input.resent,
    },
    intakePerSecond: judgeIntakePerSecond(show, answered),
    arrivalsPerSecond: countPerSecond(show),
    hot: judgeHot(show, ledger, skus),
    faults: Object.fromEntries(ledger.faults),
    ...(input.presale && { presale: input.presale }),
  };
}

/** A show that broke a promise, or could not be counted, must not look like a success. */
export function brokenPromises(report: ShopReport): string[] {
  const broken: string[] = [];
  if (report.oversoldUnits > 0) broken.push(`${report.oversoldUnits} units oversold 超卖`);
  if (report.lostOrders > 0) broken.push(`${report.lostOrders} acknowledged orders lost 丢单`);
  if (report.moneyUnaccountedFen > 0)
    broken.push(`${report.moneyUnaccountedFen} fen taken and not shown 账款不符`);
  if (report.journal.unbalancedLots.length > 0)
    broken.push(`${report.journal.unbalancedLots.length} lots do not add up 账实不符`);
  if (report.parcels.mixed > 0) broken.push(`${report.parcels.mixed} parcels mix zones 温层混装`);
  if (report.repeats.different > 0)
    broken.push(`${report.repeats.different} repeats answered differently 重复下单不一致`);
  if (report.journal.movements === 0) broken.push('the journal shows nothing to count 无流水可核');
  return broken;
}

function countStates(views: OrderView[]): { expired: number; cancelled: number; delivered: number } {
  const states = countBy(views.map((view) => view.state));
  return { expired: states.expired ?? 0, cancelled: states.cancelled ?? 0, delivered: states.delivered ?? 0 };
}

/** Units of a paid order that stand in none of its shipments; only orders whose goods must be planned are judged. */
function countUnbacked(view: OrderView, skus: Map<string, SeedSku>): number {
  if (view.attention || (view.state !== 'fulfilling' && view.state !== 'delivered')) return 0;
  const planned = new Map<string, number>();
  for (const shipment of view.shipments) {
    if (shipment.state === 'cancelled') continue;
    for (const lot of shipment.lots) planned.set(lot.sku, (planned.get(lot.sku) ?? 0) + lot.quantity);
  }
  return explodeLines(view.lines, skus).reduce((sum, part) => {
    const covered = Math.min(part.quantity, planned.get(part.sku) ?? 0);
    planned.set(part.sku, (planned.get(part.sku) ?? 0) - covered);
    return sum + part.quantity - covered;
  }, 0);
}

function countLate(accepted: LedgerEntry[]): ShopReport['latePayments'] {
  const late = accepted.filter((entry) => entry.chargedLate || entry.view?.latePayment);
  const outcomes = countBy(late.map(lateOutcome));
  return {
    told: late.length,
    reheld: outcomes.reheld ?? 0,
    repromised: outcomes.repromised ?? 0,
    refunded: outcomes.refunded ?? 0,
    undecided: outcomes.undecided ?? 0,
  };
}

/** Money for an order that had been cancelled meanwhile, by its own buyer's newer one, is not late but surplus: it is back. */
function lateOutcome({ view }: LedgerEntry): string {
  const isBack = view !== undefined && view.paidFen > 0 && view.refundedFen === view.paidFen;
  return view?.latePayment?.outcome ?? (isBack ? 'refunded' : 'undecided');
}

function countWaiting(accepted: LedgerEntry[]): WaitingOutcome {
  const waited = accepted.filter(({ acknowledgedState }) => acknowledgedState === 'waiting');
  const views = waited.flatMap(({ view }) => (view ? [view] : []));
  const served = views.filter((view) => instantOf(view, 'promoted') !== undefined);
  const seconds = served
    .map((view) => ((instantOf(view, 'promoted') ?? 0) - (instantOf(view, 'waiting') ?? 0)) / 1000)
    .sort((a, b) => a - b);
  return {
    waited: waited.length,
    served: served.length,
    paid: served.filter(({ paidFen }) => paidFen > 0).length,
    left: views.filter((view) => view.state === 'cancelled' && !served.includes(view)).length,
    p50Seconds: quantile(seconds, 0.5),
    p95Seconds: quantile(seconds, 0.95),
  };
}

function instantOf({ timeline }: OrderView, kind: string): number | undefined {
  const entry = timeline.find((each) => each.kind === kind);
  return entry && Date.parse(entry.at);
}

function countRepeats(entries: LedgerEntry[]): ShopReport['repeats'] {
  const counts = countBy(entries.flatMap((entry) => (entry.repeat ? [entry.repeat] : [])));
  const { same = 0, different = 0 } = counts;
  return { sent: same + different, same, different };
}

function missingMoney({ chargedFen, view }: LedgerEntry): number {
  if (!view) return chargedFen;
  return view.attention ? 0 : Math.max(0, chargedFen - view.paidFen);
}

function judgePunctuality(views: OrderView[]): ShopReport['onTime'] {
  const delivered = views.filter((view) => view.state === 'delivered');
  const onTime = delivered.filter((view) => {
    const handOvers = view.shipments.flatMap((shipment) =>
      shipment.events.filter(({ kind }) => kind === 'delivered'),
    );
    const last = Math.max(...handOvers.map(({ at }) => Date.parse(at)));
    return view.promise !== null && Number.isFinite(last) && last <= Date.parse(view.promise.deliverBy);
  });
  return {
    ordersDelivered: delivered.length,
    onTime: onTime.length,
    rate: delivered.length === 0 ? null : onTime.length / delivered.length,
  };
}

function liveShipments(view: OrderView): OrderView['shipments'] {
  return view.shipments.filter((shipment) => shipment.state !== 'cancelled');
}

function countShipments(views: OrderView[]): ShopReport['shipments'] {
  const shipments = views.flatMap(liveShipments);
  return {
    total: shipments.length,
    byCarrier: shipments.filter(({ via }) => 'carrierId' in via).length,
    byLeader: shipments.filter(({ via }) => 'leaderId' in via).length,
    ordersInSeveral: views.filter((view) => liveShipments(view).length > 1).length,
  };
}

/** A parcel is mixed when it holds goods of another zone than its shipment's. */
function countParcels(views: OrderView[], skus: Map<string, SeedSku>): ShopReport['parcels'] {
  const parcels = { ambient: 0, chilled: 0, frozen: 0, special: 0, mixed: 0 };
  for (const shipment of views.flatMap(liveShipments)) {
    const zone = shipment.zone as Zone;
    for (const parcel of shipment.parcels) {
      parcels[zone] += 1;
      const lots = [...(parcel.lots ?? []), ...shipment.lots];
      if (lots.some((lot) => skus.get(lot.sku)?.zone !== zone)) parcels.mixed += 1;
    }
  }
  return parcels;
}

function judgeIntake(answered: LedgerEntry[]): {
  p50Ms: number | null;
  p99Ms: number | null;
  longestMs: number | null;
} {
  const sorted = answered.map((entry) => entry.answeredAfterMs as number).sort((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), longestMs: quantile(sorted, 1) };
}

/** By the second in which the button was pressed; a buyer who came back counts where they first came. */
function judgeIntakePerSecond(show: Show, answered: LedgerEntry[]): ShopSight['intakePerSecond'] {
  const seconds = countPerSecond(show).map((): LedgerEntry[] => []);
  for (const entry of answered)
    seconds[Math.min(seconds.length - 1, Math.floor(entry.plan.atMs / 1000))]?.push(entry);
  return seconds.map((entries) => {
    const { p50Ms, p99Ms } = judgeIntake(entries);
    return { p50Ms, p99Ms };
  });
}

/** Nearest rank on sorted numbers; null for none. */
export function quantile(sorted: number[], part: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
  return value === undefined ? null : Math.round(value * 10) / 10;
}

function countPerSecond(show: Show): number[] {
  const seconds = Array<number>(Math.ceil(show.durationMs / 1000)).fill(0);
  for (const { atMs } of show.orders) {
    const second = Math.min(seconds.length - 1, Math.floor(atMs / 1000));
    seconds[second] = (seconds[second] as number) + 1;
  }
  return seconds;
}

/** Units asked for at the first try, and what became of them. */
function judgeHot(show: Show, ledger: Ledger, skus: Map<string, SeedSku>): ShopReport['hot'] {
  return [...new Set(show.moments.map(({ sku }) => sku))].map((sku) => {
    const unitsIn = (lines: Array<{ sku: string; quantity: number }>) =>
      lines.filter((line) => line.sku === sku).reduce((sum, line) => sum + line.quantity, 0);
    const wanting = ledger.entries.filter((entry) => unitsIn(entry.plan.body.lines) > 0);
    const isSold = (view: OrderView) => view.paidFen > view.refundedFen && !view.attention;
    return {
      sku,
      name: skus.get(sku)?.name ?? sku,
      asked: wanting.reduce((sum, entry) => sum + unitsIn(entry.plan.body.lines), 0),
      sold: wanting.reduce((sum, { view }) => sum + (view && isSold(view) ? unitsIn(view.lines) : 0), 0),
      refused: wanting.filter((entry) => entry.refusals.some((slug) => soldOutSlugs.includes(slug))).length,
    };
  });
}

export function countBy(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
