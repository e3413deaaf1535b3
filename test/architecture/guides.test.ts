import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { problems } from '../../src/api/http/problem';

const guide = readFileSync(join(__dirname, '..', '..', 'docs', 'integrating.md'), 'utf8');

/** `{ slug: status }` as the table of errors tells it. Rows: `| 401 · 403 | `unauthorized` · `forbidden` |`. */
function readErrorTable(): Record<string, number> {
  const rows = guide.split('\n').filter((line) => /^\| (\d{3}( · )?)+ \|/.test(line));
  return Object.fromEntries(
    rows.flatMap((row) => {
      const [, statuses = '', slugs = ''] = row.split('|');
      const numbers = statuses.split('·').map(Number);
      const names = [...slugs.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name as string);
      return names.map((name, index) => [name, (numbers.length > 1 ? numbers[index] : numbers[0]) as number]);
    }),
  );
}

test('the guide tells every refusal with its status, and no other', () => {
  const served = Object.fromEntries(Object.entries(problems).map(([slug, { status }]) => [slug, status]));
  expect(readErrorTable()).toEqual(served);
});
