import { setImmediate } from 'node:timers/promises';
import type { ShowReport } from '../domain/live/showReport';
import { judgeShop } from '../domain/live/showVerdict';
import type { ShopSight } from '../domain/live/shopSight';
import { drawMoney, drawPresale, drawRecount, drawShop } from './bookSections';
import { drawAttention, drawLatency, drawParcels, drawPromises } from './deliverySections';
import { createClock, formatRate, formatYuan } from './format';
import { html, type Html, type Part, say, trusted } from './html';
import { drawComebacks, drawOrders, drawSellable, drawWaitingList } from './salesSections';
import type { Page } from './section';
import { style } from './style';
import type { Language, Word } from './words';

/** What the page may load and run: nothing. Its style and its charts stand in it; its switch is two radio buttons. */
export const pagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * A session's report as one HTML page that needs nothing else: no script, no font, no picture, no network. Both
 * languages are in it; `language` is the one it opens with. `shop` adds what only the shop saw.
 */
export async function drawShowPage(
  report: ShowReport,
  { shop, language = 'zh' }: { shop?: ShopSight; language?: Language } = {},
): Promise<string> {
  const page: Page = { clock: createClock(report.timeZone) };
  const sections: Part[] = [];
  for (const draw of planSections(report, page, shop)) {
    sections.push(draw());
    // charts are drawn in the process that takes orders: let those through in between
    await setImmediate();
  }
  const document = html`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${pagePolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>鲜达 Xianda · 场次报告 Show report · ${report.liveSessionId}</title>
<style>${trusted(style)}</style>
</head>
<body>
${drawChoice(language)}
<main>
${drawHeader(report, page, shop)}
${sections}
<footer><p>${say('footer')}</p></footer>
</main>
</body>
</html>
`;
  return document.html;
}

function planSections(report: ShowReport, page: Page, shop: ShopSight | undefined): (() => Part)[] {
  return [
    () => drawOrders(report, page, shop !== undefined),
    () => drawSellable(report, page),
    () => drawComebacks(report),
    () => drawWaitingList(report),
    () => drawParcels(report),
    () => drawPromises(report, page),
    () => drawLatency(report, page, shop),
    () => drawAttention(report),
    () => drawRecount(report, page),
    () => drawMoney(report),
    () => drawPresale(report),
    () => drawShop(shop),
  ];
}

/** Works without a script, without a network and in print: what is shown follows from the button that is on. */
function drawChoice(language: Language): Html {
  const button = (of: Language) =>
    html`<input class="choice" type="radio" name="language" id="language-${of}"${trusted(of === language ? ' checked' : '')}>`;
  return html`${button('zh')}${button('en')}
<nav class="switch" aria-label="语言 Language"><label for="language-zh" lang="zh">中文</label><label for="language-en" lang="en">English</label></nav>`;
}

function drawHeader(report: ShowReport, { clock }: Page, shop: ShopSight | undefined): Html {
  const { startedAt, madeAt, timeZone } = report;
  return html`<header>
<h1>鲜达 Xianda · ${say('showReport')} · ${report.liveSessionId}</h1>
<p>${say('startedAt', { at: clock.full(startedAt) })} · ${say('madeAt', { at: clock.full(madeAt) })} · ${say('inZone', { zone: timeZone })}</p>
${drawVerdict(report, shop)}
${drawTiles(report, shop)}
${drawContents(report, shop)}
</header>`;
}

function drawVerdict({ verdict, orders }: ShowReport, shop: ShopSight | undefined): Html {
  const broken = [...verdict.broken, ...(shop ? judgeShop(shop) : [])];
  const open = verdict.open > 0 ? html`<p>${say('verdictOpen', { count: verdict.open })}</p>` : '';
  if (broken.length > 0) {
    const lines = broken.map(({ kind, count }) => html`<p>✘ ${say(`broken.${kind}`, { count })}</p>`);
    return html`<div class="verdict broken">${lines}${open}</div>`;
  }
  if (verdict.unkept > 0)
    return html`<div class="verdict unkept"><p>! ${say('verdictUnkept', { count: verdict.unkept })}</p>${open}</div>`;
  if (orders.placed === 0) return html`<div class="verdict unkept"><p>${say('verdictEmpty')}</p></div>`;
  return html`<div class="verdict kept"><p>✔ ${say(verdict.open > 0 ? 'verdictSoFar' : 'verdictKept')}</p>${open}</div>`;
}

function drawTiles(report: ShowReport, shop: ShopSight | undefined): Html {
  const { orders, parcels, promises, recount, money, attention } = report;
  const openAttention = attention.reduce((sum, { open }) => sum + open, 0);
  const zero = (count: number) => (count === 0 ? 'good' : 'bad');
  const tile = (value: Part, label: Part, tone = '') =>
    html`<li><b class="${tone}">${value}</b><small>${label}</small></li>`;
  return html`<ul class="tiles">
${tile(recount.oversold, say('oversold'), zero(recount.oversold))}
${shop === undefined ? '' : tile(shop.lostOrders, say('lostOrders'), zero(shop.lostOrders))}
${tile(parcels.mixed, say('mixedZones'), zero(parcels.mixed))}
${tile(formatRate(promises.rate), say('onTime'), promises.rate === 1 ? 'good' : '')}
${tile(orders.placed, say('placed'))}
${tile(orders.paid, say('paid'))}
${tile(orders.unitsKept, say('unitsSold'))}
${tile(parcels.parcels, say('parcels'))}
${tile(formatYuan(money.paidFen), say('takings'))}
${tile(formatYuan(money.refundedFen), say('refunded'))}
${tile(openAttention, html`${say('attention')} · ${say('stillOpen')}`, openAttention === 0 ? 'good' : 'amber')}
</ul>`;
}

function drawContents({ presale, waitingList }: ShowReport, shop: ShopSight | undefined): Html {
  const ids: Word[] = [
    'orders',
    'sellable',
    'comebacks',
    ...(waitingList.waited > 0 ? (['waitingList'] as const) : []),
    'parcels',
    'promises',
    'latency',
    'attention',
    'recount',
    'money',
    ...(presale.length > 0 ? (['presale'] as const) : []),
    ...(shop === undefined ? [] : (['shop'] as const)),
  ];
  return html`<nav class="contents" aria-label="目录 Contents"><ul>${ids.map((id) => html`<li><a href="#${id}">${say(id)}</a></li>`)}</ul></nav>`;
}
