import { type ShopReport, brokenPromises } from './report';
import {
  type Paint,
  createPaint,
  displayWidth,
  drawBar,
  drawFrame,
  drawSparkline,
  padEnd,
  padStart,
} from './terminalText';

const leastColumns = 92;
const labelColumns = 36;
const barColumns = 30;

/** The report as a stranger first sees it. */
export function drawTerminalReport(report: ShopReport, { coloured }: { coloured: boolean }): string {
  const paint = createPaint(coloured);
  const lines: Array<string | null> = [
    `${paint.dim('audience 到场')}  ${paint.accent(drawSparkline(report.arrivalsPerSecond))}`,
    paint.dim(
      `${report.offered} orders in ${report.arrivalsPerSecond.length} s, ${report.intake.peakPerSecond} in the busiest second`,
    ),
    null,
    ...outcomeLines(report, paint),
    null,
    ...hotLines(report, paint),
    ...waitingLines(report, paint),
    null,
    ...presaleLines(report, paint),
    ...fulfilmentLines(report, paint),
    null,
    ...moneyLines(report, paint),
    null,
    ...proofLines(report, paint),
  ];
  const verdict = describeVerdict(report, paint);
  lines.push(null, verdict);
  if (report.stillOpen > 0)
    lines.push(
      paint.warn(`! ${report.stillOpen} orders were still under way when the report was made 未完结`),
    );
  const title = paint.bold(`鲜达 Xianda · ${report.liveSessionId} · ${report.durationSeconds} s`);
  const longest = Math.max(...lines.map((line) => displayWidth(line ?? '')));
  return drawFrame(title, lines, Math.max(leastColumns, longest + 4));
}

function describeVerdict(report: ShopReport, paint: Paint): string {
  const broken = brokenPromises(report);
  if (broken.length > 0) return paint.bad(`✘ ${broken.join(' · ')}`);
  if (report.stillOpen > 0) return paint.good(paint.bold('✔ No promise has been broken 至此无一失约'));
  return paint.good(paint.bold('✔ Every promise made on air was kept. 说到做到'));
}

function row(label: string, value: string, rest = ''): string {
  return `${padEnd(label, labelColumns)}${padStart(value, 8)}  ${rest}`;
}

function barRow(label: string, value: number, most: number, paint: (text: string) => string): string {
  return row(label, String(value), paint(drawBar(value, most, barColumns)));
}

function outcomeLines(report: ShopReport, paint: Paint): string[] {
  const most = report.offered;
  const others = Object.entries(report.otherRefusals).sort(([, a], [, b]) => b - a);
  return [
    barRow('offered 下单', report.offered, most, paint.dim),
    barRow('accepted 接单', report.accepted, most, paint.good),
    barRow('refused: sold out 售罄', report.refusedSoldOut, most, paint.warn),
    ...others.map(([slug, count]) => barRow(`refused: ${slug}${refusalWord(slug)}`, count, most, paint.warn)),
    ...(report.unanswered > 0 ? [barRow('never answered 无应答', report.unanswered, most, paint.bad)] : []),
    barRow('paid 支付', report.paid, most, paint.good),
    barRow('expired unpaid 超时释放', report.expired, most, paint.dim),
    barRow('cancelled 取消', report.cancelled, most, paint.dim),
    barRow('delivered 送达', report.delivered, most, paint.good),
    ...Object.entries(report.attention).map(([reason, count]) =>
      barRow(`attention: ${reason} 待人工`, count, most, paint.warn),
    ),
  ];
}

function refusalWord(slug: string): string {
  const words: Record<string, string> = {
    'purchase-limit': ' 限购',
    'no-route': ' 送不到',
    'past-cutoff': ' 过截单',
  };
  return words[slug] ?? '';
}

function hotLines(report: ShopReport, paint: Paint): string[] {
  const most = Math.max(1, ...report.hot.map(({ asked }) => asked));
  return [
    paint.dim('hot goods 爆款: units asked for, and sold'),
    ...report.hot.map(({ name, asked, sold, refused }) => {
      const soldBar = drawBar(sold, most, barColumns);
      const askedBar = '░'.repeat(Math.max(0, Math.round((asked / most) * barColumns) - soldBar.length));
      return row(
        `  ${name}`,
        `${sold}/${asked}`,
        `${paint.accent(soldBar)}${paint.dim(askedBar)} ${paint.dim(`${refused} refused`)}`,
      );
    }),
    paint.dim(
      `${report.boughtWithoutSoldOutGoods} buyers came back and bought the rest of their basket 去掉售罄再下单`,
    ),
  ];
}

function waitingLines({ waitingList }: ShopReport, paint: Paint): string[] {
  const { waited, served, paid, left, p50Seconds, p95Seconds } = waitingList;
  if (waited === 0) return [];
  return [
    row(
      'stood in line for them 候补',
      String(waited),
      paint.dim(`${served} served 递补, ${paid} of them paid 付款 · ${left} left unserved 离队`),
    ),
    row(
      'until served 候补时长',
      p50Seconds === null ? '–' : `${p50Seconds.toFixed(1)} s`,
      paint.dim(`median · p95 ${p95Seconds === null ? '–' : `${p95Seconds.toFixed(1)} s`}`),
    ),
  ];
}

function presaleLines({ presale }: ShopReport, paint: Paint): Array<string | null> {
  if (!presale) return [];
  const { plan, projected } = presale;
  const later = `${presale.laterDateOrders} wait for a later day 改期 · ${presale.refundedOrders} took their money 退款`;
  return [
    row(
      'presale 预售: units of the quota',
      `${presale.sold}/${presale.quota}`,
      paint.dim(`${presale.buyers} buyers · ${presale.refusedBuyers} told that their region is sold out`),
    ),
    row(
      'to be bought 采购量',
      String(plan.units),
      paint.dim(
        `by ${plan.purchaseBy}; at half time 半程 ${projected.low} to ${projected.high} · arrived 到货 ${presale.arrived}`,
      ),
    ),
    row(
      'orders served at first 首批转单',
      String(presale.servedOrders),
      paint.dim(`${presale.offeredOrders} were asked: ${later}`),
    ),
    row(
      'presale delivered 预售送达',
      String(presale.deliveredOrders),
      paint.dim(`${presale.toTheShelf} units left over for the shelf 余量转现货`),
    ),
    null,
  ];
}

function fulfilmentLines(report: ShopReport, paint: Paint): string[] {
  const { parcels, shipments, onTime } = report;
  const most = Math.max(1, parcels.ambient, parcels.chilled, parcels.frozen, parcels.special);
  const rate = onTime.rate === null ? 'n/a' : `${(onTime.rate * 100).toFixed(1)}%`;
  return [
    barRow('parcels ambient 常温', parcels.ambient, most, paint.accent),
    barRow('parcels chilled 冷藏', parcels.chilled, most, paint.accent),
    barRow('parcels frozen 冷冻', parcels.frozen, most, paint.accent),
    barRow('parcels special 特殊 (same day 当日)', parcels.special, most, paint.accent),
    row(
      'shipments 发货单',
      String(shipments.total),
      paint.dim(`${shipments.byCarrier} by carrier 承运 · ${shipments.byLeader} by team leader 团长`),
    ),
    row('orders in several shipments 拆单', String(shipments.ordersInSeveral)),
    row(
      'on time 准时',
      rate,
      paint.dim(`${onTime.onTime} of ${onTime.ordersDelivered} handed over by their promise`),
    ),
  ];
}

function moneyLines(report: ShopReport, paint: Paint): string[] {
  const { latePayments: late, repeats, cancellations } = report;
  const outcomes = [`${late.reheld} held again 重新锁定`, `${late.refunded} refunded 退款`];
  if (late.repromised > 0) outcomes.push(`${late.repromised} re-promised 改期`);
  if (late.undecided > 0) outcomes.push(`${late.undecided} undecided 未决`);
  return [
    row('late money 迟到付款', String(late.told), paint.dim(outcomes.join(' · '))),
    row(
      'payments told twice or more 重复通知',
      String(report.paymentsToldTwice),
      paint.dim('each booked once'),
    ),
    row(
      'orders sent twice 重复下单',
      String(repeats.sent),
      paint.dim(`${repeats.same} answered word for word the same`),
    ),
    row(
      'cancel requests 取消请求',
      String(sum(cancellations)),
      paint.dim(
        Object.entries(cancellations)
          .map(([outcome, count]) => `${count} ${outcome}`)
          .join(' · '),
      ),
    ),
    row(
      'paid 实收 / refunded 退款',
      yuan(report.money.paidFen),
      paint.dim(`refunded ${yuan(report.money.refundedFen)}`),
    ),
    row(
      'intake p50 / p99 接单时延',
      `${report.intake.p50Ms ?? '–'} ms`,
      paint.dim(
        `p99 ${report.intake.p99Ms ?? '–'} ms · longest ${report.intake.longestMs ?? '–'} ms · ${report.intake.resent} sent again`,
      ),
    ),
  ];
}

function proofLines(report: ShopReport, paint: Paint): string[] {
  const zero = (count: number) => (count === 0 ? paint.good(paint.bold('0')) : paint.bad(String(count)));
  return [
    row(
      paint.bold('oversold units 超卖'),
      zero(report.oversoldUnits),
      paint.dim(`recounted from ${report.journal.movements} journal entries`),
    ),
    row(
      paint.bold('acknowledged orders lost 丢单'),
      zero(report.lostOrders),
      paint.dim(`each of ${report.accepted} read back`),
    ),
    row(paint.bold('zones mixed in a parcel 温层混装'), zero(report.parcels.mixed)),
    row(paint.bold('money unaccounted for 账款不符'), zero(report.moneyUnaccountedFen)),
    row(
      paint.bold('lots that do not add up 账实不符'),
      zero(report.journal.unbalancedLots.length),
      paint.dim(`of ${report.journal.lots} lots at their sites`),
    ),
  ];
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function yuan(fen: number): string {
  return `¥${(fen / 100).toFixed(0)}`;
}
