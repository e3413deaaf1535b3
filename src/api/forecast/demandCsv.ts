import { invalid } from '../http/problem';

type Field = 'sku' | 'region' | 'date' | 'units' | 'stockout';

/** Headings that a brand's sheet may have, as they are typed. */
const headings: Record<string, Field> = {
  sku: 'sku',
  商品编码: 'sku',
  商品: 'sku',
  region: 'region',
  区域: 'region',
  地区: 'region',
  date: 'date',
  日期: 'date',
  units: 'units',
  销量: 'units',
  数量: 'units',
  stockout: 'stockout',
  缺货: 'stockout',
};
const needed: Field[] = ['sku', 'region', 'date', 'units'];
const yes = new Set(['true', '1', 'yes', 'y', '是', '缺货']);
const no = new Set(['false', '0', 'no', 'n', '否', '']);

/** The JSON body that a sheet of demand history stands for; what it cannot read it hands on, for the schema to name. */
export function demandBodyOf(records: string[][]): unknown {
  const [first = [], ...rows] = records;
  const fields = first.map((heading) => headings[heading.trim().toLowerCase()]);
  const missing = needed.filter((field) => !fields.includes(field));
  if (missing.length > 0) {
    throw invalid(
      missing.map((field) => ({ path: 'rows', expected: `a column ${field}`, received: 'no such heading' })),
    );
  }
  return {
    rows: rows.map((row) =>
      Object.fromEntries(
        fields.flatMap((field, index) =>
          field === undefined ? [] : [[field, valueOf(field, row[index] ?? '')]],
        ),
      ),
    ),
  };
}

function valueOf(field: Field, cell: string): unknown {
  switch (field) {
    case 'units':
      return /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
    case 'date':
      return dateOf(cell);
    case 'stockout': {
      const word = cell.toLowerCase();
      return yes.has(word) ? true : no.has(word) ? false : cell;
    }
    default:
      return cell;
  }
}

/** Spreadsheets write 2026/3/8 where people typed 2026-03-08. */
function dateOf(cell: string): string {
  const [, year, month = '', day = ''] = /^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$/.exec(cell) ?? [];
  return year === undefined ? cell : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}
