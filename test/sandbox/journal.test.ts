import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '../../src/sandbox/journal';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
  file = join(directory, 'deep', 'books.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

async function write(...records: unknown[]): Promise<void> {
  const { journal } = await openJournal<unknown>(file);
  await Promise.all(records.map((record) => journal.append(record)));
  await journal.close();
}

async function read(): Promise<unknown[]> {
  const { records, journal } = await openJournal<unknown>(file);
  await journal.close();
  return records;
}

test('gives back what was appended, in order, over several openings', async () => {
  expect(await read()).toEqual([]);
  await write({ nth: 1 }, { nth: 2, text: '张三\n' });
  await write({ nth: 3 });
  expect(await read()).toEqual([{ nth: 1 }, { nth: 2, text: '张三\n' }, { nth: 3 }]);
});

test('a record is in the file once append resolves, and settled waits for it', async () => {
  const { journal } = await openJournal<unknown>(file);
  await journal.settled();
  void journal.append({ nth: 1 });
  await journal.settled();
  expect(await readFile(file, 'utf8')).toBe('{"nth":1}\n');
  await journal.append({ nth: 2 });
  expect(await readFile(file, 'utf8')).toBe('{"nth":1}\n{"nth":2}\n');
  await journal.close();
});

test.each(['{"nth":3,"te', '{"nth":3,"te\n'])(
  'a torn last line %j is cut off, and the next is whole',
  async (torn) => {
    await write({ nth: 1 }, { nth: 2 });
    await appendFile(file, torn);
    expect(await read()).toEqual([{ nth: 1 }, { nth: 2 }]);
    await write({ nth: 3 });
    expect(await read()).toEqual([{ nth: 1 }, { nth: 2 }, { nth: 3 }]);
  },
);

test('damage in the middle is refused with the line', async () => {
  await write({ nth: 1 });
  await writeFile(file, '{"nth":1}\nrust\n{"nth":3}\n');
  await expect(read()).rejects.toThrow(/line 2 is damaged/);
});

test('after closing nothing is acknowledged', async () => {
  const { journal } = await openJournal<unknown>(file);
  await journal.close();
  await expect(journal.append({ nth: 1 })).rejects.toThrow('the books are closed');
  await expect(journal.settled()).rejects.toThrow('the books are closed');
});
