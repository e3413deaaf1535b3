import { type ShowReport, brokenPromises } from './report';

interface Row {
  label: string;
  value: number;
  tone: 'good' | 'warn' | 'quiet' | 'accent';
}

/** The report as one page that needs nothing else: no script, no font, no picture from anywhere. */
export function drawHtmlReport(report: ShowReport): string {
  const broken = brokenPromises(report);
  const kept =
    report.stillOpen > 0
      ? 'No promise has been broken 至此无一失约'
      : 'Every promise made on air was kept. 说到做到';
  const title = `鲜达 Xianda · ${report.liveSessionId}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<h1>${escape(title)}</h1>
<p>${escape(report.startedAt)} · ${report.durationSeconds} s · ${report.offered} orders in ${report.arrivalsPerSecond.length} s</p>
<p class="verdict ${broken.length === 0 ? 'kept' : 'broken'}">${broken.length === 0 ? kept : escape(broken.join(' · '))}</p>
${report.stillOpen > 0 ? `<p class="verdict open">${report.stillOpen} orders were still under way when the report was made 未完结</p>` : ''}
</header>
${tiles(report)}
<section><h2>Audience 到场 <small>orders per second</small></h2>${arrivals(report.arrivalsPerSecond)}</section>
<section><h2>Orders 订单</h2>${bars(outcomeRows(report), report.offered)}</section>
<section><h2>Hot goods 爆款 <small>units sold of units asked for</small></h2>${hot(report)}</section>
<section><h2>Parcels by zone 温层包裹</h2>${bars(parcelRows(report), Math.max(1, ...parcelRows(report).map(({ value }) => value)))}</section>
<section><h2>Everything else 其余</h2>${facts(report)}</section>
<footer>Counted from the shop's own answers and from ${report.journal.movements} entries of the stock journal. The same numbers as JSON lie beside this file.</footer>
</main>
</body>
</html>
`;
}

const style = `
:root{color-scheme:light dark;--ink:#16211c;--soft:#5c6b64;--paper:#f6f8f5;--card:#fff;--line:#dfe6e0;--good:#1f8a5b;--warn:#c98a1b;--accent:#2f7fb8;--bad:#c23b3b}
@media (prefers-color-scheme:dark){:root{--ink:#e8efe9;--soft:#9aaba2;--paper:#121815;--card:#1b2420;--line:#2c3833}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{max-width:920px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;margin:0}h2{font-size:17px;margin:0 0 12px}small,p,footer,dt{color:var(--soft)}small{font-weight:400}p{margin:4px 0}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin-top:16px;overflow-x:auto}
.verdict{display:inline-block;margin-top:12px;padding:8px 14px;border-radius:8px;font-weight:600;color:#fff}.kept{background:var(--good)}.broken{background:var(--bad)}.open{background:var(--warn)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:16px}.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}.tile b{display:block;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums}.tile.zero b{color:var(--good)}.tile.alarm b{color:var(--bad)}
.bar{display:grid;grid-template-columns:minmax(150px,240px) 64px 1fr;gap:10px;align-items:center;padding:3px 0}.bar span:nth-child(2){text-align:right;font-variant-numeric:tabular-nums}
.track{height:14px;border-radius:4px;background:var(--line);overflow:hidden}.fill{height:100%}.good{background:var(--good);fill:var(--good)}.warn{background:var(--warn)}.quiet{background:var(--soft)}.accent{background:var(--accent);fill:var(--accent)}
dl{display:grid;grid-template-columns:minmax(180px,280px) 1fr;gap:6px 16px;margin:0}dd{margin:0;font-variant-numeric:tabular-nums}footer{margin-top:20px;font-size:13px}svg{display:block;width:100%;height:96px}
`;

function tiles(report: ShowReport): string {
  const zero = (label: string, value: number) =>
    `<div class="tile ${value === 0 ? 'zero' : 'alarm'}"><b>${value}</b>${escape(label)}</div>`;
  const plain = (label: string, value: string) =>
    `<div class="tile"><b>${escape(value)}</b>${escape(label)}</div>`;
  const rate = report.onTime.rate === null ? '–' : `${(report.onTime.rate * 100).toFixed(1)}%`;
  return `<div class="tiles">${zero('oversold 超卖', report.oversoldUnits)}${zero('orders lost 丢单', report.lostOrders)}${zero('zones mixed 混装', report.parcels.mixed)}${plain('on time 准时', rate)}${plain('intake p50 接单', `${report.intake.p50Ms ?? '–'} ms`)}${plain('intake p99', `${report.intake.p99Ms ?? '–'} ms`)}</div>`;
}

function outcomeRows(report: ShowReport): Row[] {
  const row = (label: string, value: number, tone: Row['tone']): Row => ({ label, value, tone });
  return [
    row('offered 下单', report.offered, 'quiet'),
    row('accepted 接单', report.accepted, 'good'),
    row('refused: sold out 售罄', report.refusedSoldOut, 'warn'),
    ...Object.entries(report.otherRefusals).map(([slug, value]) => row(`refused: ${slug}`, value, 'warn')),
    ...(report.unanswered > 0 ? [row('never answered 无应答', report.unanswered, 'warn')] : []),
    row('paid 支付', report.paid, 'good'),
    row('expired unpaid 超时释放', report.expired, 'quiet'),
    row('cancelled 取消', report.cancelled, 'quiet'),
    row('delivered 送达', report.delivered, 'good'),
    ...Object.entries(report.attention).map(([reason, value]) =>
      row(`attention: ${reason} 待人工`, value, 'warn'),
    ),
  ];
}

function parcelRows({ parcels }: ShowReport): Row[] {
  return [
    { label: 'ambient 常温', value: parcels.ambient, tone: 'accent' },
    { label: 'chilled 冷藏 0–4 °C', value: parcels.chilled, tone: 'accent' },
    { label: 'frozen 冷冻 ≤ −18 °C', value: parcels.frozen, tone: 'accent' },
    { label: 'special 特殊 (same day 当日)', value: parcels.special, tone: 'accent' },
  ];
}

function bars(rows: Row[], most: number): string {
  return rows.map(({ label, value, tone }) => bar(label, String(value), value / most, tone)).join('');
}

function bar(label: string, value: string, part: number, tone: Row['tone']): string {
  const width = Math.round(Math.min(1, part) * 1000) / 10;
  return `<div class="bar"><span>${escape(label)}</span><span>${escape(value)}</span><div class="track"><div class="fill ${tone}" style="width:${width}%"></div></div></div>`;
}

function hot({ hot: goods }: ShowReport): string {
  return goods
    .map(({ name, asked, sold, refused }) =>
      bar(`${name} (${refused} told no)`, `${sold}/${asked}`, sold / Math.max(1, asked), 'accent'),
    )
    .join('');
}

function arrivals(perSecond: number[]): string {
  const most = Math.max(1, ...perSecond);
  const columns = perSecond.map((value, second) => {
    const height = Math.round((value / most) * 92);
    return `<rect class="accent" x="${second * 10}" y="${94 - height}" width="8" height="${height}"><title>second ${second}: ${value}</title></rect>`;
  });
  return `<svg viewBox="0 0 ${perSecond.length * 10} 96" preserveAspectRatio="none" role="img" aria-label="orders per second">${columns.join('')}</svg>`;
}

function facts(report: ShowReport): string {
  const { latePayments: late, repeats, shipments, intake, onTime, money } = report;
  const list: Array<[string, string]> = [
    ['came back without the sold-out goods 去掉售罄再下单', String(report.boughtWithoutSoldOutGoods)],
    [
      'shipments 发货单',
      `${shipments.total} (${shipments.byCarrier} by carrier, ${shipments.byLeader} by team leader 团长)`,
    ],
    ['orders in several shipments 拆单', String(shipments.ordersInSeveral)],
    ['handed over by the promise 准时', `${onTime.onTime} of ${onTime.ordersDelivered}`],
    [
      'late money 迟到付款',
      `${late.told}: ${late.reheld} held again, ${late.repromised} re-promised, ${late.refunded} refunded, ${late.undecided} undecided`,
    ],
    ['orders sent twice 重复下单', `${repeats.sent}, ${repeats.same} answered word for word the same`],
    ['payments told twice or more 重复通知', String(report.paymentsToldTwice)],
    [
      'cancel requests 取消请求',
      Object.entries(report.cancellations)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(', ') || '0',
    ],
    [
      'paid 实收, refunded 退款',
      `¥${(money.paidFen / 100).toFixed(2)}, ¥${(money.refundedFen / 100).toFixed(2)}`,
    ],
    ['money unaccounted for 账款不符', `${report.moneyUnaccountedFen} fen`],
    ['lots that do not add up 账实不符', `${report.journal.unbalancedLots.length} of ${report.journal.lots}`],
    [
      'intake p50, p99, longest 接单时延',
      `${intake.p50Ms ?? '–'} ms, ${intake.p99Ms ?? '–'} ms, ${intake.longestMs ?? '–'} ms`,
    ],
    ['requests sent again 重发', String(intake.resent)],
    ...Object.entries(report.faults).map(([what, count]): [string, string] => [
      `fault: ${what}`,
      String(count),
    ]),
  ];
  return `<dl>${list.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
