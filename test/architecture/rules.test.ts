import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { attentionRules } from '../../src/domain/order/attention';

/** Rules of docs/architecture.md that no compiler keeps. Who may import whom is dependency-cruiser's. */
const root = join(__dirname, '..', '..');

function listFiles(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');
// the client's types are generated, not written
const sources = listFiles('src', '.ts').filter((file) => !file.endsWith('.d.ts'));
const tests = listFiles('test', '.ts');
const nameOf = (file: string) => file.replace(/^.*\//, '').replace(/(\.read|\.test)?\.ts$/, '');

test('the house is not empty', () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(tests.length).toBeGreaterThan(40);
});

test('files are named after what they hold: no utils, helpers, managers', () => {
  const vague =
    /^(utils?|helpers?|manager|common|misc|data|info|process|handle)$|(Utils?|Helpers?|Manager|Misc|Info)$/;
  expect([...sources, ...tests].filter((file) => vague.test(nameOf(file)))).toEqual([]);
});

test('file names are camelCase', () => {
  expect([...sources, ...tests].filter((file) => !/^[a-z][A-Za-z0-9]*$/.test(nameOf(file)))).toEqual([]);
});

test('no file of the product is longer than 400 lines', () => {
  expect(sources.filter((file) => read(file).split('\n').length > 401)).toEqual([]);
});

test('SQL stands in src/db alone; the development stack may make databases', () => {
  const sql = /\b(SELECT\s[\s\S]{1,400}?\sFROM\s|INSERT\s+INTO\s|UPDATE\s+[a-z_]+\s+SET\s|DELETE\s+FROM\s)/;
  const elsewhere = sources.filter((file) => !/^src\/(db|dev)\//.test(file));
  expect(elsewhere.filter((file) => sql.test(read(file)))).toEqual([]);
});

test('the environment is read by the configuration, and handed on by those who start processes', () => {
  const readers = sources.filter((file) => read(file).includes('process.env'));
  expect(readers.filter((file) => !/^src\/(config\.ts|main\.ts|cli\.ts|dev\/)/.test(file))).toEqual([]);
});

test('an HTTP number stands in api/http, in clients and in sandboxes alone', () => {
  const status = /\bstatus(?:Code)?\s*(?:===?|:|\()\s*[1-5]\d\d\b/;
  const elsewhere = sources.filter((file) => !/^src\/(api|clients|sandbox|dev)\//.test(file));
  expect(elsewhere.filter((file) => status.test(read(file)))).toEqual([]);
});

test('locks wait: nobody skips locked rows of stock, orders or money', () => {
  const skipping = sources.filter((file) => /SKIP LOCKED/.test(read(file)));
  // a work queue may: whoever is skipped is being worked on
  expect(skipping.filter((file) => !/^src\/db\/(dispatch|seal|outbox)/.test(file))).toEqual([]);
});

test('every reason to park something has a test that names it', () => {
  const told = tests
    .filter((file) => file.endsWith('.test.ts') && !file.includes('architecture'))
    .map(read)
    .join('\n');
  const untested = Object.keys(attentionRules).filter((reason) => !new RegExp(`\\b${reason}\\b`).test(told));
  expect(untested).toEqual([]);
});

test('every reason to park something can be raised by the product', () => {
  const raised = sources
    .filter((file) => !file.endsWith('domain/order/attention.ts'))
    .map(read)
    .join('\n');
  const idle = Object.keys(attentionRules).filter((reason) => !new RegExp(`\\b${reason}\\b`).test(raised));
  expect(idle).toEqual([]);
});
