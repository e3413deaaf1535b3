import { zones } from '../domain/catalogue/model';
import { promiseOutcomes } from '../domain/live/showFacts';
import type { ShowReport } from '../domain/live/showReport';
import type { ShopSight } from '../domain/live/shopSight';
import { colours, drawCurves, outcomeColours, stackedColumns, stackedRows, zoneColours } from './charts';
import { formatMoney, formatSeconds } from './format';
import { drawTable, html, type Html, type Part, say, sayOrName } from './html';
import { ticksOf } from './salesSections';
import { drawFigure, drawSection, line, type Page, quiet } from './section';

const mostSites = 16;

export function drawParcels({ parcels }: ShowReport): Html {
  if (parcels.shipments === 0) return drawSection('parcels', quiet('nothingSent'));
  const { shipments, byCarrier, byLeader, ordersInSeveral: several, costFen } = parcels;
  const sites = parcels.bySite.slice(0, mostSites);
  const used = zones.filter((zone) => parcels.byZone[zone] > 0);
  return drawSection(
    'parcels',
    line(
      say('parcelsLine', {
        shipments,
        parcels: parcels.parcels,
        byCarrier,
        byLeader,
        several,
        cost: formatMoney(costFen),
      }),
    ),
    drawFigure({
      id: 'parcels-by-site',
      title: say('parcelsBySite'),
      chart: stackedRows(
        sites.map(({ name }) => name),
        used.map((zone) => ({ colour: zoneColours[zone], values: sites.map((site) => site[zone]) })),
      ),
      legend: used.map((zone) => ({ colour: zoneColours[zone], label: sayOrName('zone', zone) })),
      table: drawTable(
        {
          caption: say('parcelsBySite'),
          unseen: true,
          columns: [
            { head: say('site'), cell: ({ name }) => name },
            ...zones.map((zone) => ({
              head: sayOrName('zone', zone),
              cell: (site: ShowReport['parcels']['bySite'][number]) => site[zone],
              number: true,
            })),
            { head: say('total'), cell: (site) => site.parcels, number: true },
          ],
          foot: [say('total'), ...zones.map((zone) => parcels.byZone[zone]), parcels.parcels],
        },
        parcels.bySite,
      ),
    }),
  );
}

export function drawPromises(report: ShowReport, page: Page): Html {
  const { promises } = report;
  if (promises.slots.length === 0) return drawSection('promises', quiet('nothingPromised'));
  const used = promiseOutcomes.filter((outcome) => promises[outcome] > 0);
  // the year says nothing on an axis
  const labels = promises.slots.map(({ slot }) => slot.slice(5));
  return drawSection(
    'promises',
    line(say('promisesLine', { kept: promises.kept, unkept: report.verdict.unkept, due: promises.due })),
    drawFigure({
      id: 'promises-by-slot',
      title: say('promisesBySlot'),
      chart: stackedColumns(
        labels,
        used.map((outcome) => ({
          colour: outcomeColours[outcome],
          values: promises.slots.map((slot) => slot[outcome]),
        })),
      ),
      legend: used.map((outcome) => ({
        colour: outcomeColours[outcome],
        label: sayOrName('outcome', outcome),
      })),
      table: drawTable(
        {
          caption: say('promisesBySlot'),
          unseen: true,
          columns: [
            { head: say('promisedFor'), cell: ({ slot }) => slot },
            ...promiseOutcomes.map((outcome) => ({
              head: sayOrName('outcome', outcome),
              cell: (slot: ShowReport['promises']['slots'][number]) => slot[outcome],
              number: true,
            })),
          ],
          foot: [say('total'), ...promiseOutcomes.map((outcome) => promises[outcome])],
        },
        promises.slots,
      ),
    }),
    promises.unkept.length === 0 ? quiet('allKept') : drawUnkept(report, page),
  );
}

function drawUnkept({ promises, verdict, madeAt }: ShowReport, { clock }: Page): Html {
  const { unkept } = promises;
  const lateBy = (row: (typeof unkept)[number]) =>
    formatSeconds(Math.max(0, (Date.parse(row.deliveredAt ?? madeAt) - Date.parse(row.deliverBy)) / 1000));
  const table = drawTable(
    {
      caption: say('unkeptOrders'),
      columns: [
        {
          head: say('order'),
          cell: ({ orderId, channel, externalId }) =>
            html`<code>${orderId}</code><br><small>${channel} ${externalId}</small>`,
        },
        { head: say('outcome'), cell: ({ outcome }) => sayOrName('outcome', outcome) },
        { head: say('promisedFor'), cell: ({ deliverBy }) => clock.short(deliverBy) },
        {
          head: say('deliveredAt'),
          cell: ({ deliveredAt }) => (deliveredAt ? clock.short(deliveredAt) : '–'),
        },
        { head: say('lateBy'), cell: lateBy, number: true },
        { head: say('from'), cell: ({ sites }) => sites.join(', ') },
        { head: say('via'), cell: ({ via }) => via.join(', ') },
      ],
    },
    unkept,
  );
  if (unkept.length === verdict.unkept) return table;
  return html`${table}<p class="note">${say('unkeptMore', { count: unkept.length })}</p>`;
}

interface LatencyRow {
  name: Part;
  count: number;
  p50: string;
  p90: string;
  p99: string;
  longest: string;
}

export function drawLatency(report: ShowReport, page: Page, shop: ShopSight | undefined): Html {
  const rows = [...spanRows(report), ...intakeRows(shop)];
  return drawSection(
    'latency',
    rows.length === 0 ? quiet('noSpans') : drawSpans(rows),
    drawPlanning(report, page),
    shop === undefined ? html`<p class="note">${say('intakeUnknown')}</p>` : drawIntake(shop),
  );
}

function spanRows({ latency }: ShowReport): LatencyRow[] {
  return latency.spans.map(({ kind, count, p50, p90, p99, longest }) => ({
    name: sayOrName('span', kind),
    count,
    p50: formatSeconds(p50),
    p90: formatSeconds(p90),
    p99: formatSeconds(p99),
    longest: formatSeconds(longest),
  }));
}

function intakeRows(shop: ShopSight | undefined): LatencyRow[] {
  if (shop === undefined || shop.intake.p50Ms === null) return [];
  const { p50Ms, p99Ms, longestMs } = shop.intake;
  const show = (ms: number | null) => (ms === null ? '–' : formatSeconds(ms / 1000));
  return [
    {
      name: say('span.intake'),
      count: shop.offered - shop.unanswered,
      p50: show(p50Ms),
      p90: '–',
      p99: show(p99Ms),
      longest: show(longestMs),
    },
  ];
}

function drawSpans(rows: LatencyRow[]): Html {
  return drawTable(
    {
      caption: say('latency'),
      unseen: true,
      columns: [
        { head: say('step'), cell: ({ name }) => name },
        { head: say('count'), cell: ({ count }) => count, number: true },
        { head: say('median'), cell: ({ p50 }) => p50, number: true },
        { head: 'p90', cell: ({ p90 }) => p90, number: true },
        { head: 'p99', cell: ({ p99 }) => p99, number: true },
        { head: say('longest'), cell: ({ longest }) => longest, number: true },
      ],
    },
    rows,
  );
}

const quantileCurves = {
  p50: { colour: colours.good, dash: [] },
  p99: { colour: colours.amber, dash: [6, 3] },
};

function drawPlanning(report: ShowReport, page: Page): Part {
  const { paymentToPlan } = report.latency;
  if (paymentToPlan.length === 0) return '';
  const byBucket = new Map(paymentToPlan.map((item) => [item.bucket, item]));
  const ticks = ticksOf(report, page);
  return drawQuantiles({
    id: 'payment-to-plan',
    title: html`${say('latencyOverTime')} <small>s</small>`,
    note: say('latencyNote'),
    ticks,
    p50: ticks.map((_, bucket) => byBucket.get(bucket)?.p50 ?? null),
    p99: ticks.map((_, bucket) => byBucket.get(bucket)?.p99 ?? null),
    show: formatSeconds,
  });
}

function drawIntake({ intakePerSecond }: ShopSight): Part {
  if (intakePerSecond.length === 0) return '';
  return drawQuantiles({
    id: 'intake',
    title: html`${say('intakeOverTime')} <small>ms</small>`,
    note: say('intakeNote'),
    ticks: intakePerSecond.map((_, second) => `${second} s`),
    p50: intakePerSecond.map(({ p50Ms }) => p50Ms),
    p99: intakePerSecond.map(({ p99Ms }) => p99Ms),
    show: (ms) => `${ms} ms`,
  });
}

function drawQuantiles(figure: {
  id: string;
  title: Part;
  note: Part;
  ticks: string[];
  p50: (number | null)[];
  p99: (number | null)[];
  show: (value: number) => string;
}): Html {
  const { id, title, note, ticks, p50, p99, show } = figure;
  const cell = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : show(value);
  return drawFigure({
    id,
    title,
    note,
    chart: drawCurves(
      ticks,
      [
        { values: p50, ...quantileCurves.p50 },
        { values: p99, ...quantileCurves.p99 },
      ],
      { steps: false },
    ),
    legend: [
      { ...quantileCurves.p50, label: say('median'), line: true },
      { ...quantileCurves.p99, label: 'p99', line: true },
    ],
    table: drawTable(
      {
        caption: title,
        unseen: true,
        columns: [
          { head: say('time'), cell: ({ at }) => at },
          { head: say('median'), cell: ({ bucket }) => cell(p50[bucket]), number: true },
          { head: 'p99', cell: ({ bucket }) => cell(p99[bucket]), number: true },
        ],
      },
      ticks.map((at, bucket) => ({ at, bucket })).filter(({ bucket }) => p50[bucket] !== null),
    ),
  });
}

export function drawAttention({ attention }: ShowReport): Html {
  if (attention.length === 0) return drawSection('attention', quiet('noAttention'));
  const minutes = (value: number | null) => (value === null ? '–' : formatSeconds(value * 60));
  return drawSection(
    'attention',
    drawTable(
      {
        caption: say('attentionLine'),
        columns: [
          { head: say('reason'), cell: ({ reason }) => sayOrName('reason', reason) },
          { head: say('openNow'), cell: (row) => row.open, number: true },
          { head: say('pastDeadline'), cell: (row) => row.pastDeadline, number: true },
          { head: say('cleared'), cell: (row) => row.cleared, number: true },
          { head: say('decided'), cell: (row) => row.decided, number: true },
          { head: say('timeToResolve'), cell: (row) => minutes(row.p50Minutes), number: true },
          { head: say('longestToResolve'), cell: (row) => minutes(row.longestMinutes), number: true },
        ],
      },
      attention,
    ),
  );
}
