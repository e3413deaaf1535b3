import { type Word, words } from './words';

/** HTML that needs no more escaping. */
export interface Html {
  readonly html: string;
}

export type Part = Html | string | number | readonly Part[];

/** A template whose values are escaped, unless they are HTML themselves. */
export function html(texts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { html: texts.reduce((all, text, index) => all + show(values[index - 1] ?? '') + text) };
}

/** HTML that was made elsewhere and is trusted: a drawn chart, the style sheet. */
export function trusted(text: string): Html {
  return { html: text };
}

function show(part: Part): string {
  if (typeof part === 'string') return escape(part);
  if (typeof part === 'number') return formatCount(part);
  if (Array.isArray(part)) return part.map(show).join('');
  return (part as Html).html;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const counts = new Intl.NumberFormat('en-US');

function formatCount(count: number): string {
  return counts.format(count);
}

/** One of our sentences in both languages; the switch shows one of them. */
export function say(word: Word, filling: Record<string, string | number> = {}): Html {
  const { zh, en } = words[word];
  return html`<span class="zh" lang="zh">${fill(zh, filling)}</span><span class="en" lang="en">${fill(en, filling)}</span>`;
}

function fill(text: string, filling: Record<string, string | number>): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = filling[name];
    if (value === undefined) throw new Error(`nothing was given for {${name}} of: ${text}`);
    return typeof value === 'number' ? formatCount(value) : value;
  });
}

/** What a partner or caller named, in our words where we have some. */
export function sayOrName(group: string, name: string): Part {
  const word = `${group}.${name}`;
  return word in words ? say(word as Word) : name;
}

export interface Column<Row> {
  head: Part;
  cell: (row: Row) => Part;
  /** Numbers stand right. */
  number?: boolean;
}

export interface TableShape<Row> {
  caption: Part;
  /** What stands over the table says the same already: the caption is for those who hear the page. */
  unseen?: true;
  columns: readonly Column<Row>[];
  foot?: readonly Part[];
}

/** A table whose first column names its rows. */
export function drawTable<Row>(
  { caption, unseen, columns, foot }: TableShape<Row>,
  rows: readonly Row[],
): Html {
  const kind = (index: number) => (columns[index]?.number ? trusted(' class="number"') : trusted(''));
  const cells = (row: Row) =>
    columns.map(({ cell }, index) =>
      index === 0 ? html`<th scope="row">${cell(row)}</th>` : html`<td${kind(index)}>${cell(row)}</td>`,
    );
  const head = columns.map(({ head: title }, index) => html`<th scope="col"${kind(index)}>${title}</th>`);
  const last =
    foot === undefined
      ? ''
      : html`<tfoot><tr>${foot.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td${kind(index)}>${cell}</td>`))}</tr></tfoot>`;
  return html`<div class="scroll"><table><caption${trusted(unseen ? ' class="unseen"' : '')}>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => html`<tr>${cells(row)}</tr>`)}</tbody>${last}</table></div>`;
}
