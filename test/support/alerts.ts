/** One rule of docs/alerts.yml. */
export interface AlertRule {
  alert: string;
  expr: string;
  for?: string;
  labels?: { severity?: string };
  annotations?: { summary?: string; why?: string; action?: string };
}

/** What a scrape shows of one metric: each series' labels. */
export type Scrape = Map<string, Record<string, string>[]>;

const words = new Set('sum max min rate histogram_quantile time vector by on le or and'.split(' '));
/** Given by Prometheus itself, not by what is scraped. */
const labelsOfPrometheus = ['job', 'instance'];

/** Reads the text format; several roles' scrapes are read into one. */
export function readScrape(texts: string[]): Scrape {
  const scrape: Scrape = new Map();
  for (const line of texts.join('\n').split('\n')) {
    const [, name, labels = ''] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? \S+$/i.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [
      label,
      value,
    ]);
    scrape.set(name, [...(scrape.get(name) ?? []), Object.fromEntries(pairs) as Record<string, string>]);
  }
  return scrape;
}

/** What is wrong with an expression, as far as can be said without Prometheus. */
export function findExpressionFaults(expr: string, scrape: Scrape): string[] {
  const selectors = [...expr.matchAll(/\b(xianda_[a-z0-9_]+)(?:\{([^}]*)\})?(\[\w+\])?/g)];
  const groupings = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(/,\s*/),
  );
  const rest = expr
    .replaceAll(/\b(?:by|on) \([^)]*\)/g, '')
    .replaceAll(/\bxianda_[a-z0-9_]+(\{[^}]*\})?(\[\w+\])?/g, '')
    .replaceAll(/[\d.]+/g, '');
  const known = selectors.flatMap(([, name = '']) => scrape.get(name) ?? []);
  return [
    ...(selectors.length === 0 ? ['it looks at nothing'] : []),
    ...selectors.flatMap(([, name = '', matchers = '', range]) =>
      checkSelector({ name, matchers, range }, { expr, scrape }),
    ),
    ...[...rest.matchAll(/[a-z_]+/g)].flatMap(([word]) =>
      words.has(word) ? [] : [`${word} is no word of ours`],
    ),
    ...groupings
      .filter((label) => !labelsOfPrometheus.includes(label) && !known.some((labels) => label in labels))
      .map((label) => `nothing has the label ${label}`),
    ...(balanced(expr) ? [] : ['brackets do not match']),
  ];
}

interface Selector {
  name: string;
  matchers: string;
  range: string | undefined;
}

function checkSelector(
  { name, matchers, range }: Selector,
  { expr, scrape }: { expr: string; scrape: Scrape },
): string[] {
  const series = scrape.get(name);
  if (series === undefined) return [`${name} is in no scrape`];
  const counts = /_(total|count|bucket|sum)$/.test(name);
  const rated = expr.includes(`rate(${name}`);
  return [
    ...(counts !== rated
      ? [`${name} ${counts ? 'only ever grows: take its rate' : 'goes up and down: no rate'}`]
      : []),
    ...(rated !== (range !== undefined) ? [`${name} wants a range exactly within rate()`] : []),
    ...[...matchers.matchAll(/([a-z_]+)(=~?)"([^"]*)"/g)].flatMap(([, label = '', operator, value = '']) =>
      series.some((labels) => (operator === '=' ? labels[label] === value : label in labels))
        ? []
        : [`${name} has no ${label}="${value}"`],
    ),
  ];
}

function balanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')' && (depth -= 1) < 0) return false;
  }
  return depth === 0;
}

/** How GitHub makes a link out of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');
}
