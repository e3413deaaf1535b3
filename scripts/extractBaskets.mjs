// Makes src/dev/demo/data/baskets.json.gz, the real baskets that the demo broadcast sells, out of the CC0 data set
// "Complete Journey 2.0" (84.51°; github.com/bradleyboehmke/completejourney), as transactions.csv.gz and
// products.csv.gz in one folder.
//
//   npm run build && node scripts/extractBaskets.mjs <folder>
//
// The data is a 5 % sample of rows, so that single tills are incomplete: a basket here is what one household bought in
// one fortnight. The demo brand carries one SKU per kind of product, so lines are summed by kind; kinds that
// it does not carry, quantities above 12 and fortnights with fewer than two kinds are left out. Same input, same bytes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readKinds } from '../dist/dev/seed/catalogue.js';

const folder = process.argv[2];
if (!folder) {
  console.error(
    'usage: node scripts/extractBaskets.mjs <folder with transactions.csv.gz and products.csv.gz>',
  );
  process.exit(2);
}

const kindIndex = new Map(readKinds().map((kind, index) => [kind.extractKey, index]));
const products = new Map(
  readTable('products.csv.gz').map((row) => [
    row.product_id,
    `${row.product_category}|${row.product_type}`.trim(),
  ]),
);
const purchases = new Map();
const fortnights = new Map();
for (const row of readTable('transactions.csv.gz')) {
  const kind = products.get(row.product_id);
  const quantity = Number(row.quantity);
  if (!kindIndex.has(kind) || !(quantity >= 1 && quantity <= 12)) continue;
  purchases.set(kind, (purchases.get(kind) ?? 0) + 1);
  const key = `${row.household_id} ${Math.floor((Number(row.week) - 1) / 2)}`;
  const basket = fortnights.get(key) ?? new Map();
  basket.set(kind, Math.min(12, (basket.get(kind) ?? 0) + quantity));
  fortnights.set(key, basket);
}

// Only kinds that were bought at all are listed; a basket names them by position.
const kinds = [...kindIndex.keys()]
  .filter((kind) => purchases.has(kind))
  .sort((a, b) => purchases.get(b) - purchases.get(a) || (a < b ? -1 : 1));
const position = new Map(kinds.map((kind, index) => [kind, index]));
const baskets = [...fortnights]
  .filter(([, basket]) => basket.size >= 2)
  .map(([key, basket]) => {
    const [household, fortnight] = key.split(' ').map(Number);
    const lines = [...basket]
      .map(([kind, quantity]) => [position.get(kind), quantity])
      .sort((a, b) => a[0] - b[0]);
    return [household, fortnight, ...lines.flat()];
  })
  .sort((a, b) => a[0] - b[0] || a[1] - b[1]);

const extract = {
  source: 'Complete Journey 2.0 (84.51°), CC0, sample of 75,000 rows',
  kinds: kinds.map((kind) => ({ kind, purchases: purchases.get(kind) })),
  /** [household, fortnight of the year, kind, quantity, kind, quantity …] */
  baskets,
};
const target = join(import.meta.dirname ?? '.', '../src/dev/demo/data/baskets.json.gz');
const bytes = gzipSync(JSON.stringify(extract), { level: 9 });
writeFileSync(target, bytes);
const lines = baskets.reduce((sum, basket) => sum + (basket.length - 2) / 2, 0);
console.log(`${kinds.length} kinds, ${baskets.length} baskets, ${lines} lines, ${bytes.length} bytes`);
console.log(
  'never bought:',
  [...kindIndex.keys()].filter((kind) => !purchases.has(kind)).join(', ') || 'none',
);

/** Rows of a gzipped CSV with a header; a quoted field may hold commas, none holds a line break. */
function readTable(name) {
  const [header, ...rows] = gunzipSync(readFileSync(join(folder, name)))
    .toString('utf8')
    .trimEnd()
    .split(/\r?\n/);
  const columns = readFields(header);
  return rows.map((row) =>
    Object.fromEntries(readFields(row).map((field, index) => [columns[index], field])),
  );
}

function readFields(row) {
  return [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare,
  );
}
