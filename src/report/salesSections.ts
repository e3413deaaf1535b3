import { type ShowReport, unitsBack } from '../domain/live/showReport';
import { barsAndLine, colours, curves, drawCurves, stackedRows } from './charts';
import { formatMoney, formatSeconds } from './format';
import { drawTable, html, type Html, type Part, say, sayOrName } from './html';
import { drawFigure, drawSection, line, type Page, quiet } from './section';

/** Labels of a timeline's buckets, and their instants for its table. */
export function ticksOf(report: ShowReport, { clock }: Page): string[] {
  const { from, bucketSeconds, placed } = report.timeline;
  const start = Date.parse(from);
  const axis = { bucketSeconds, spanSeconds: bucketSeconds * placed.length };
  return placed.map((_, bucket) =>
    clock.tick(new Date(start + bucket * bucketSeconds * 1000).toISOString(), axis),
  );
}

/** How many orders came when, and what became of them. */
export function drawOrders(report: ShowReport, page: Page, shopKnown: boolean): Html {
  const { orders, timeline } = report;
  if (orders.placed === 0) return drawSection('orders', quiet('verdictEmpty'));
  const ticks = ticksOf(report, page);
  const rows = ticks.map((at, bucket) => ({
    at,
    placed: timeline.placed[bucket],
    paid: timeline.paid[bucket],
  }));
  return drawSection(
    'orders',
    drawFigure({
      id: 'orders-over-time',
      title: html`${say('ordersOverTime')} <small>${say('perBucket', { width: formatSeconds(timeline.bucketSeconds) })}</small>`,
      chart: barsAndLine(ticks, timeline.placed, timeline.paid),
      legend: [
        { colour: '#b9c3bd', label: say('placed') },
        { colour: colours.good, label: say('paid'), line: true },
      ],
      table: drawTable(
        {
          caption: say('ordersOverTime'),
          unseen: true,
          columns: [
            { head: say('time'), cell: (row) => row.at },
            { head: say('placed'), cell: (row) => row.placed ?? 0, number: true },
            { head: say('paid'), cell: (row) => row.paid ?? 0, number: true },
          ],
        },
        rows,
      ),
    }),
    html`<div class="beside">${drawStates(report)}${drawChannels(report)}</div>`,
    shopKnown ? '' : html`<p class="note">${say('refusalsUnknown')}</p>`,
  );
}

function drawStates({ orders }: ShowReport): Html {
  return html`${countsTable('state', orders.byState)}${countsTable('delivery', orders.byDelivery)}`;
}

function countsTable(of: 'state' | 'delivery', counts: Record<string, number>): Html {
  return drawTable(
    {
      caption: say(of),
      unseen: true,
      columns: [
        { head: say(of), cell: ([name]) => sayOrName(of, name) },
        { head: say('orders'), cell: ([, count]) => count, number: true },
      ],
    },
    Object.entries(counts).sort(([, a], [, b]) => b - a),
  );
}

function drawChannels({ orders }: ShowReport): Html {
  return drawTable(
    {
      caption: say('channel'),
      unseen: true,
      columns: [
        { head: say('channel'), cell: (row) => row.channel },
        { head: say('placed'), cell: (row) => row.placed, number: true },
        { head: say('paid'), cell: (row) => row.paid, number: true },
        { head: say('takings'), cell: (row) => formatMoney(row.paidFen), number: true },
      ],
    },
    orders.byChannel,
  );
}

/** Curves of what could still be sold, and when it could not. */
export function drawSellable(report: ShowReport, page: Page): Html {
  const { hot, soldOut } = report;
  if (hot.length === 0) return drawSection('sellable', quiet('recountEmpty'));
  const ticks = ticksOf(report, page);
  const drawn = hot.map((goods, index) => ({
    ...goods,
    ...(curves[index % curves.length] as (typeof curves)[0]),
  }));
  return drawSection(
    'sellable',
    drawFigure({
      id: 'sellable-over-time',
      title: say('sellableOverTime'),
      note: say('sellableNote'),
      chart: drawCurves(
        ticks,
        drawn.map(({ sellable, colour, dash }) => ({ values: sellable, colour, dash })),
        { steps: true },
      ),
      legend: drawn.map(({ name, colour, dash }) => ({ colour, dash, label: name, line: true })),
      table: drawTable(
        {
          caption: say('sellableOverTime'),
          unseen: true,
          columns: [
            { head: say('time'), cell: (row) => row.at },
            ...drawn.map(({ name, sellable }) => ({
              head: name,
              cell: (row: { bucket: number }) => sellable[row.bucket] ?? 0,
              number: true,
            })),
          ],
        },
        ticks.map((at, bucket) => ({ at, bucket })),
      ),
    }),
    soldOut.length === 0 ? quiet('nothingSoldOut') : drawSoldOut(report, page),
  );
}

function drawSoldOut({ soldOut, timeline }: ShowReport, { clock }: Page): Html {
  const spanSeconds = timeline.bucketSeconds * timeline.placed.length;
  const moment = (at: string) => clock.tick(at, { bucketSeconds: 1, spanSeconds });
  return drawTable(
    {
      caption: say('soldOut'),
      columns: [
        { head: say('sku'), cell: ({ name }) => name },
        { head: say('zone'), cell: ({ zone }) => sayOrName('zone', zone) },
        { head: say('soldOutAt'), cell: ({ gaps }) => (gaps[0] ? moment(gaps[0].from) : '') },
        {
          head: say('backAt'),
          cell: ({ gaps }) => {
            const last = gaps.at(-1);
            return last?.until ? moment(last.until) : say('notBack');
          },
        },
        { head: say('timesOut'), cell: ({ gaps }) => gaps.length, number: true },
        { head: say('lengthOut'), cell: ({ seconds }) => formatSeconds(seconds), number: true },
        { head: say('taken'), cell: ({ taken }) => taken, number: true },
        { head: say('kept'), cell: ({ kept }) => kept, number: true },
      ],
    },
    soldOut,
  );
}

const mostComebacks = 12;

/** What was given back, and what of it found another buyer. */
export function drawComebacks({ comebacks }: ShowReport): Html {
  const { expired, released, uncommitted, soldAgain } = comebacks;
  if (unitsBack(comebacks) === 0) return drawSection('comebacks', quiet('nothingCameBack'));
  const goods = comebacks.goods.slice(0, mostComebacks);
  return drawSection(
    'comebacks',
    line(
      say('comebacksLine', { back: unitsBack(comebacks), expired, released, uncommitted, again: soldAgain }),
    ),
    drawFigure({
      id: 'comebacks-by-sku',
      title: say('comebacks'),
      note: say('comebacksNote'),
      chart: stackedRows(
        goods.map(({ name }) => name),
        [
          { colour: colours.good, values: goods.map((item) => item.soldAgain) },
          { colour: '#b9c3bd', values: goods.map((item) => unitsBack(item) - item.soldAgain) },
        ],
      ),
      legend: [
        { colour: colours.good, label: say('soldAgain') },
        { colour: '#b9c3bd', label: say('notAgain') },
      ],
      table: drawTable(
        {
          caption: say('comebacks'),
          unseen: true,
          columns: [
            { head: say('sku'), cell: ({ name }) => name },
            { head: say('expired'), cell: (row) => row.expired, number: true },
            { head: say('released'), cell: (row) => row.released, number: true },
            { head: say('uncommitted'), cell: (row) => row.uncommitted, number: true },
            { head: say('soldAgain'), cell: (row) => row.soldAgain, number: true },
          ],
        },
        goods,
      ),
    }),
  );
}

/** How each wait in line ended, and how long those who were served had stood there. Absent where nobody waited. */
export function drawWaitingList({ waitingList }: ShowReport): Part {
  const { waited, served, paid, left, timedOut, unservable, inLine, servedAfter } = waitingList;
  if (waited === 0) return '';
  const ends = Object.entries({ served, left, timedOut, unservable, inLine });
  return drawSection(
    'waitingList',
    line(say('waitingListLine', { waited, served, paid })),
    servedAfter === null
      ? ''
      : line(
          say('servedAfterLine', {
            p50: formatSeconds(servedAfter.p50),
            p95: formatSeconds(servedAfter.p95),
            longest: formatSeconds(servedAfter.longest),
          }),
        ),
    drawTable(
      {
        caption: say('waitEnd'),
        unseen: true,
        columns: [
          { head: say('waitEnd'), cell: ([end]) => sayOrName('wait', end) },
          { head: say('orders'), cell: ([, count]) => count, number: true },
        ],
      },
      ends.filter(([, count]) => count > 0),
    ),
  );
}
