import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The books of a sandbox: one JSON record per line, only ever appended. */
export interface Journal<Record> {
  /** Resolves once the record is on the disk (fsync); records that wait together share one fsync. */
  append(record: Record): Promise<void>;
  /** Resolves once everything appended so far is on the disk: a repeat is not answered before its first. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens (or makes) the file and reads what it holds. A last line torn by a kill was never acknowledged and is
 * cut off; damage anywhere else throws, since money books with a hole must not be served.
 */
export async function openJournal<Record>(
  file: string,
): Promise<{ records: Record[]; journal: Journal<Record> }> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { records, soundBytes } = readRecords<Record>(file, await readFile(file));
    await handle.truncate(soundBytes);
    await handle.sync();
    await syncDirectory(dirname(file));
    return { records, journal: createJournal<Record>(handle) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readRecords<Record>(file: string, bytes: Buffer): { records: Record[]; soundBytes: number } {
  const records: Record[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    if (end === -1) break;
    try {
      records.push(JSON.parse(bytes.toString('utf8', start, end)) as Record);
    } catch {
      if (end === bytes.length - 1) break;
      throw new Error(
        `${file}: line ${line} is damaged. Restore the file, or delete it to start empty books.`,
      );
    }
    start = end + 1;
  }
  return { records, soundBytes: start };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Waiting {
  line: string;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

function createJournal<Record>(handle: FileHandle): Journal<Record> {
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let broken: unknown;

  function enqueue(line: string): Promise<void> {
    if (broken !== undefined) return Promise.reject(broken);
    return new Promise((resolve, reject) => {
      waiting.push({ line, resolve, reject });
      writing ??= drain();
    });
  }

  async function drain(): Promise<void> {
    // Lets `writing` be assigned first, and whatever else this turn appends join the batch.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (broken !== undefined) throw broken;
        const text = batch.map((each) => each.line).join('');
        if (text.length > 0) {
          await handle.appendFile(text);
          await handle.datasync();
        }
        for (const each of batch) each.resolve();
      } catch (error) {
        // After a failed write memory knows more than the disk: nothing may be acknowledged any more.
        broken = error;
        for (const each of batch) each.reject(error);
      }
    }
    writing = undefined;
  }

  return {
    append: (record) => enqueue(`${JSON.stringify(record)}\n`),
    settled: () => enqueue(''),
    async close() {
      await writing;
      broken ??= new Error('the books are closed');
      await handle.close();
    },
  };
}
