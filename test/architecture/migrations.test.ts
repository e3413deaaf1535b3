import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import published from './migrations.json';

const folder = join(__dirname, '..', '..', 'src', 'db', 'migrations');
const files = readdirSync(folder).sort();
const hashOf = (file: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');

test('migrations are numbered without gaps and go forward only', () => {
  for (const [index, file] of files.entries()) {
    expect(file).toMatch(/^\d{4}_[a-z][A-Za-z]*\.sql$/);
    expect(Number(file.slice(0, 4))).toBe(index + 1);
    const text = readFileSync(join(folder, file), 'utf8');
    expect(text.startsWith('-- Up Migration\n')).toBe(true);
    expect(text).not.toMatch(/-- Down Migration/);
  }
});

/**
 * A published migration has run on somebody's data and is never edited: write the next one. The list is kept with
 *   (cd src/db/migrations && sha256sum *.sql)
 * and until the first release an edit may bring its new line along.
 */
test('a published migration never changes', () => {
  const now = Object.fromEntries(files.map((file) => [file, hashOf(file)]));
  expect(now).toEqual(published);
});
