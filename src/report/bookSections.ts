import type { ShowReport, Tally } from '../domain/live/showReport';
import type { ShopSight } from '../domain/live/shopSight';
import { formatMoney } from './format';
import { drawTable, html, type Html, type Part, say, sayOrName } from './html';
import { drawSection, line, type Page, quiet } from './section';

const mostCounted = 30;

/** The stock counted again: the sum in one line, then SKU by SKU. */
export function drawRecount({ recount, countedUntil }: ShowReport, { clock }: Page): Html {
  if (recount.goods.length === 0) return drawSection('recount', quiet('recountEmpty'));
  // what does not add up stands first, and is never left out
  const shown = recount.goods.slice(0, Math.max(mostCounted, recount.unbalanced));
  const rest = recount.goods.length - shown.length;
  const { movements, lots, total } = recount;
  return drawSection(
    'recount',
    line(say('recountLine', { movements, lots, until: clock.full(countedUntil) })),
    drawEquation(total, recount.oversold),
    drawTable(
      {
        caption: say('recountNote'),
        columns: [
          { head: say('sku'), cell: (row) => row.name },
          { head: say('opening'), cell: (row) => row.opening, number: true },
          { head: say('arrived'), cell: (row) => row.arrived, number: true },
          { head: say('leftShelf'), cell: (row) => row.sold, number: true },
          { head: say('ofThisShow'), cell: (row) => row.soldHere, number: true },
          { head: say('waste'), cell: (row) => row.waste, number: true },
          { head: say('closing'), cell: (row) => row.closing, number: true },
          { head: say('difference'), cell: (row) => mark(row.difference), number: true },
        ],
        foot: [
          say('total'),
          total.opening,
          total.arrived,
          total.sold,
          total.soldHere,
          total.waste,
          total.closing,
          mark(total.closing - (total.opening + total.arrived - total.sold - total.waste)),
        ],
      },
      shown,
    ),
    rest > 0 ? html`<p class="note">${say('recountMore', { shown: shown.length, rest })}</p>` : '',
  );
}

function mark(count: number): Html {
  return html`<b class="${count === 0 ? 'good' : 'bad'}">${count}</b>`;
}

function drawEquation({ opening, arrived, sold, waste, closing }: Tally, oversold: number): Html {
  const term = (sign: string, value: number, label: Part) =>
    html`<li><span class="sign">${sign}</span><b>${value}</b><small>${label}</small></li>`;
  return html`<ul class="equation">${term('', opening, say('opening'))}${term('+', arrived, say('arrived'))}${term('−', sold, say('leftShelf'))}${term('−', waste, say('waste'))}${term('=', closing, say('closing'))}<li class="apart"><span class="sign"></span>${mark(oversold)}<small>${say('oversold')}</small></li></ul>`;
}

export function drawMoney({ money, lateMoney }: ShowReport): Html {
  const { totalFen, paidFen, refundedFen, refunds } = money;
  return drawSection(
    'money',
    line(
      say('moneyLine', {
        total: formatMoney(totalFen),
        paid: formatMoney(paidFen),
        refunded: formatMoney(refundedFen),
      }),
    ),
    refunds.length === 0
      ? quiet('noRefunds')
      : drawTable(
          {
            caption: say('refunds'),
            columns: [
              { head: say('reason'), cell: ({ reason }) => sayOrName('refund', reason) },
              { head: say('requested'), cell: (row) => row.refunds, number: true },
              { head: say('confirmed'), cell: (row) => row.confirmed, number: true },
              { head: say('amountRequested'), cell: (row) => formatMoney(row.amountFen), number: true },
              { head: say('amountConfirmed'), cell: (row) => formatMoney(row.confirmedFen), number: true },
            ],
          },
          refunds,
        ),
    lateMoney.length === 0
      ? quiet('noLateMoney')
      : drawTable(
          {
            caption: say('lateMoney'),
            columns: [
              { head: say('outcome'), cell: ({ outcome }) => sayOrName('late', outcome) },
              { head: say('orders'), cell: ({ orders }) => orders, number: true },
            ],
          },
          lateMoney,
        ),
  );
}

/** Absent for a session that sold no presale. */
export function drawPresale({ presale }: ShowReport): Part {
  if (presale.length === 0) return '';
  return drawSection(
    'presale',
    drawTable(
      {
        caption: say('presale'),
        unseen: true,
        columns: [
          {
            head: say('campaign'),
            cell: ({ campaignId, name }) => html`${name} <small>${campaignId}</small>`,
          },
          { head: say('region'), cell: ({ region }) => region },
          { head: say('paidUnits'), cell: ({ paid }) => paid, number: true },
          { head: say('heldUnpaid'), cell: ({ held }) => held, number: true },
          { head: say('gaveBack'), cell: ({ gone }) => gone, number: true },
        ],
      },
      presale,
    ),
  );
}

/** What only the shop saw; absent where nobody handed it in. */
export function drawShop(shop: ShopSight | undefined): Part {
  if (shop === undefined) return '';
  const { repeats, intake } = shop;
  const rows: { name: Part; value: Part }[] = [
    { name: say('offered'), value: shop.offered },
    { name: say('accepted'), value: shop.accepted },
    { name: say('refusedSoldOut'), value: shop.refusedSoldOut },
    ...Object.entries(shop.otherRefusals).map(([slug, count]) => ({
      name: say('refusedFor', { slug }),
      value: count,
    })),
    { name: say('unanswered'), value: shop.unanswered },
    { name: say('boughtWithout'), value: shop.boughtWithoutSoldOutGoods },
    { name: say('sentTwice'), value: html`${repeats.same} / ${repeats.sent}` },
    { name: say('toldTwice'), value: shop.paymentsToldTwice },
    { name: say('peak'), value: intake.peakPerSecond },
    { name: say('resent'), value: intake.resent },
    { name: say('lostOf'), value: mark(shop.lostOrders) },
    { name: say('unbacked'), value: mark(shop.unbackedUnits) },
    { name: say('moneyMissing'), value: mark(shop.moneyUnaccountedFen) },
    ...Object.entries(shop.faults).map(([what, count]) => ({ name: say('fault', { what }), value: count })),
  ];
  return drawSection(
    'shop',
    drawTable(
      {
        caption: say('shopLine'),
        columns: [
          { head: '', cell: ({ name }) => name },
          { head: say('count'), cell: ({ value }) => value, number: true },
        ],
      },
      rows,
    ),
  );
}
