import type { Figure } from './figures';

/** Columns of text, the first to the left, the others to the right; the first row is the head. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return rows.flatMap((row, index) => (index === 0 ? [line(row), rule] : [line(row)]));
}

export function formatFigures(figures: readonly Figure[]): string[] {
  const judged = ({ ok }: Figure) => (ok === undefined ? '' : ok ? 'met' : 'MISSED');
  return formatTable([
    ['figure', 'value', 'unit', 'bar', ''],
    ...figures.map((each) => [
      each.name,
      String(each.value),
      each.unit,
      each.bar?.toString() ?? '',
      judged(each),
    ]),
  ]);
}
