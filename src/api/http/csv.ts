import type { Request } from 'express';
import iconv from 'iconv-lite';
import { rawBody } from './body';
import { findPoison } from './invalid';
import { invalid, Problem } from './problem';

/** Spreadsheets of Chinese offices are one or the other; GB18030 reads every GBK file. */
const charsets: Record<string, string> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  gbk: 'gb18030',
  gb2312: 'gb18030',
  gb18030: 'gb18030',
};

/** Whether the body says that it is CSV. */
export function isCsv(request: Request): boolean {
  return /^text\/csv\s*(;|$)/i.test(request.headers['content-type'] ?? '');
}

/**
 * The records of a CSV body (RFC 4180; a byte order mark is taken off, empty lines are skipped), in UTF-8 or the
 * charset that the content type names. Bytes of another charset are 400, not replacement characters.
 */
export function readCsv(request: Request): string[][] {
  const named = /charset="?([\w-]+)/i.exec(request.headers['content-type'] ?? '')?.[1]?.toLowerCase();
  const charset = charsets[named ?? 'utf-8'];
  if (charset === undefined) throw new Problem('unsupported-media-type');
  const bytes = rawBody(request);
  const text = iconv.decode(bytes, charset, { stripBOM: true });
  if (text.includes('\uFFFD')) {
    throw invalid([
      { path: '', expected: `CSV in ${named ?? 'utf-8, or a named charset'}`, received: 'other bytes' },
    ]);
  }
  const records = parseCsv(text);
  const poison = findPoison(records);
  if (poison) throw invalid([poison]);
  return records;
}

/** Quoted fields may hold commas, line ends and doubled quotes. A quote that never ends is 400. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) {
      throw invalid([
        { path: `rows.${records.length}`, expected: 'fields of CSV', received: 'a stray quote' },
      ]);
    }
    const [, quoted, plain = '', end] = match;
    record.push(quoted?.replaceAll('""', '"') ?? plain.trim());
    if (end === ',' && field.lastIndex < text.length) continue;
    if (end === ',') record.push('');
    if (record.some((each) => each !== '')) records.push(record);
    record = [];
  }
  return records;
}
