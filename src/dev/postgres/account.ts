import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, tryRun } from '../command';
import type { Home } from '../home';
import { SetupError } from '../setupError';
import type { PostgresBinaries } from './binaries';

/** Whom the server runs as; empty means as ourselves. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** PostgreSQL refuses to run as root: root lends it the `postgres` user, made where it does not exist. */
export async function settleAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const known = await readPostgresUser();
  if (known !== undefined) return known;
  try {
    await run('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ]);
  } catch (cause) {
    throw new SetupError(
      'PostgreSQL does not run as root, and the user `postgres` could not be made.',
      'Run as an ordinary user, or make the user (useradd --system postgres), or set DATABASE_URL.',
      { cause },
    );
  }
  return (await readPostgresUser()) ?? {};
}

async function readPostgresUser(): Promise<Required<Account> | undefined> {
  const uid = Number((await tryRun('id', ['-u', 'postgres'])) ?? Number.NaN);
  const gid = Number((await tryRun('id', ['-g', 'postgres'])) ?? Number.NaN);
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** Whether the account can walk into a folder: asked of the kernel, which knows every rule. */
export async function canReach(folder: string, account: Account): Promise<boolean> {
  if (account.uid === undefined) return true;
  try {
    await run('/bin/sh', ['-c', 'cd "$0"', folder], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

export interface DataPlace {
  /** PostgreSQL's own directory, mode 0700. */
  dataFolder: string;
  /** Set when the data could not lie in the home. */
  outside: boolean;
}

const linkFile = 'postgres.link';
const ownerFile = 'xianda-owner.json';

/**
 * `<home>/postgres`, or, where the account cannot walk into the home (under /root, say), a folder of its own that
 * home and folder both name, so that a reset finds it and no other home takes it over.
 */
export async function settleDataPlace(home: Home, account: Account): Promise<DataPlace> {
  const inside = join(home.path, 'postgres');
  const linked = readOutsideFolder(home.path);
  if (linked !== undefined) return { dataFolder: join(linked, 'data'), outside: true };
  if (existsSync(inside) || (await canReach(home.path, account)))
    return { dataFolder: inside, outside: false };
  const folder = await makeOutsideFolder(home, account);
  writeFileSync(join(home.path, linkFile), `${folder}\n`);
  return { dataFolder: join(folder, 'data'), outside: true };
}

/** The folder outside the home that holds its database, or undefined. */
export function readOutsideFolder(homePath: string): string | undefined {
  const file = join(homePath, linkFile);
  if (!existsSync(file)) return undefined;
  const folder = readFileSync(file, 'utf8').trim();
  return existsSync(join(folder, ownerFile)) ? folder : undefined;
}

async function makeOutsideFolder(home: Home, account: Account): Promise<string> {
  const digest = createHash('sha256').update(home.path).digest('hex').slice(0, 12);
  for (const root of ['/var/lib/xianda', join(tmpdir(), 'xianda'), '/tmp/xianda']) {
    const folder = join(root, digest);
    try {
      // of a home that was deleted by hand: its data has no owner any more
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      if (!(await canReach(folder, account))) continue;
      writeFileSync(join(folder, ownerFile), `${JSON.stringify({ home: home.path, id: home.id })}\n`);
      return folder;
    } catch {
      continue;
    }
  }
  throw new SetupError(
    `The user postgres cannot reach ${home.path}, nor could a folder for it be made under /var/lib or /tmp.`,
    'Point XIANDA_HOME at a folder that every user may enter, or set DATABASE_URL.',
  );
}

/** The npm package's programs lie in the project, which the account may be unable to enter: then they are copied. */
export async function reachableBinaries(
  binaries: PostgresBinaries,
  account: Account,
): Promise<PostgresBinaries> {
  if (binaries.source === 'system' || (await canReach(binaries.folder, account))) return binaries;
  const native = dirname(binaries.folder);
  const version = createHash('sha256')
    .update(readFileSync(join(binaries.folder, 'postgres')))
    .digest('hex');
  const copy = join('/var/lib/xianda', `postgresql-${binaries.major}-${version.slice(0, 12)}`);
  if (!existsSync(copy)) {
    mkdirSync(dirname(copy), { recursive: true, mode: 0o755 });
    rmSync(`${copy}.new`, { recursive: true, force: true });
    cpSync(native, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  return { ...binaries, folder: join(copy, 'bin') };
}
