import { stringify } from 'csv-stringify/sync';
import iconv from 'iconv-lite';
import type { NamedLine } from '../../db/supplierForecast.read';
import type { Language } from '../../domain/tenant/model';
import { Problem } from '../http/problem';

export type Charset = 'utf-8' | 'gbk';

const columns = [
  'sku',
  'name',
  'region',
  'date',
  'p10',
  'p50',
  'p90',
  'presale',
  'basis',
  'confirmed',
] as const;
type Column = (typeof columns)[number];

const headings: Record<Language, Record<Column, string>> = {
  zh: {
    sku: '商品编码',
    name: '商品名称',
    region: '区域',
    date: '日期',
    p10: '低(P10)',
    p50: '中(P50)',
    p90: '高(P90)',
    presale: '其中预售',
    basis: '依据',
    confirmed: '已确认',
  },
  en: {
    sku: 'SKU',
    name: 'Name',
    region: 'Region',
    date: 'Date',
    p10: 'Low (P10)',
    p50: 'Middle (P50)',
    p90: 'High (P90)',
    presale: 'Of it presale',
    basis: 'Basis',
    confirmed: 'Confirmed',
  },
};

const bases: Record<Language, Record<NamedLine['basis'], string>> = {
  zh: { history: '历史', pooled: '同类', none: '无' },
  en: { history: 'history', pooled: 'pooled', none: 'none' },
};

/**
 * A supplier's forecast as a sheet: UTF-8 with a byte order mark, by which spreadsheets know it, or GBK. Cells that a
 * spreadsheet would run as formulas are disarmed. What GBK cannot write is refused, because a name with a question
 * mark in it is another name.
 */
export function forecastCsv(
  lines: readonly NamedLine[],
  { language, charset }: { language: Language; charset: Charset },
): Buffer {
  const rows = lines.map((line) => ({ ...line, basis: bases[language][line.basis] }));
  const text = stringify(rows, {
    header: true,
    columns: columns.map((key) => ({ key, header: headings[language][key] })),
    escape_formulas: true,
    record_delimiter: '\r\n',
  });
  return charset === 'utf-8' ? Buffer.from(`\uFEFF${text}`) : encodeGbk(text);
}

function encodeGbk(text: string): Buffer {
  const bytes = iconv.encode(text, 'gbk');
  const read = [...iconv.decode(bytes, 'gbk')];
  const lost = [...text].find((character, index) => character !== read[index]);
  if (lost === undefined) return bytes;
  throw new Problem('not-in-charset', {
    detail: `GBK has no sign for ${lost}: take charset=utf-8.`,
  });
}
