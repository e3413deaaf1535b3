import { type Chart, drawChart } from './charts';
import { html, type Html, type Part, say, trusted } from './html';
import type { Clock } from './format';
import type { Word } from './words';

/** What every section is drawn with. */
export interface Page {
  clock: Clock;
}

export function drawSection(id: Word, ...parts: readonly Part[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${say(id)}</h2>${parts}</section>`;
}

export interface LegendEntry {
  colour: string;
  label: Part;
  dash?: readonly number[];
  /** A line rather than an area. */
  line?: boolean;
}

/** A chart with its name, its legend in words, what it leaves out, and the same figures as a table. */
export function drawFigure(figure: {
  id: string;
  title: Part;
  note?: Part;
  chart: Chart;
  legend?: readonly LegendEntry[];
  table: Html;
}): Html {
  const { id, title, note, chart, legend = [], table } = figure;
  return html`<figure><figcaption id="${id}-name">${title}</figcaption>${drawLegend(legend)}<div role="img" aria-labelledby="${id}-name">${trusted(drawChart(id, chart))}</div>${note === undefined ? '' : html`<p class="note">${note}</p>`}<details><summary>${say('figures')}</summary>${table}</details></figure>`;
}

function drawLegend(entries: readonly LegendEntry[]): Part {
  if (entries.length === 0) return '';
  return html`<ul class="legend">${entries.map((entry) => html`<li>${drawSwatch(entry)} ${entry.label}</li>`)}</ul>`;
}

function drawSwatch({ colour, dash = [], line = false }: LegendEntry): Html {
  const shape = line
    ? `<path d="M0 6H24" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}" fill="none"/>`
    : `<rect width="14" height="12" rx="2" fill="${colour}"/>`;
  return trusted(
    `<svg aria-hidden="true" focusable="false" width="${line ? 24 : 14}" height="12">${shape}</svg>`,
  );
}

export function quiet(word: Word): Html {
  return html`<p class="quiet">${say(word)}</p>`;
}

export function line(text: Part): Html {
  return html`<p>${text}</p>`;
}
