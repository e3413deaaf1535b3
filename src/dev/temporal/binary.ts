import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findOnPath, isExecutable, tryRun } from '../command';
import { withFileLock } from '../fileLock';
import { SetupError } from '../setupError';
import { buildTemporal } from './build';
import { downloadTemporal } from './download';

/** The release that the project is tested with; tools/temporal/go.mod names the same. */
export const temporalVersion = '1.8.2';

export interface TemporalBinary {
  path: string;
  source: 'PATH' | 'cache' | 'download' | 'build';
}

/** Where downloaded and built programs are kept, shared by every clone on the machine. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.XIANDA_CACHE) return env.XIANDA_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'xianda');
}

/**
 * Finds the Temporal CLI: on PATH, in the cache, else downloads it, else builds it with Go (about four and a half
 * minutes on two cores, once). `onNote` hears what is going on. Throws one SetupError when nothing worked.
 */
export async function settleTemporal(
  onNote: (note: string) => void,
  env = process.env,
): Promise<TemporalBinary> {
  const onPath = findOnPath('temporal', env.PATH);
  if (onPath !== undefined && (await runs(onPath))) return { path: onPath, source: 'PATH' };
  const folder = join(cacheFolder(env), `temporal-${temporalVersion}-${process.platform}-${process.arch}`);
  const path = join(folder, 'temporal');
  if (isExecutable(path)) return { path, source: 'cache' };
  mkdirSync(folder, { recursive: true });
  return withFileLock(
    `${folder}.lock`,
    async () =>
      isExecutable(path) ? { path, source: 'cache' } : { path, source: await make(folder, onNote) },
    () => onNote('another start is fetching the Temporal server: waiting for it'),
  );
}

async function make(folder: string, onNote: (note: string) => void): Promise<'download' | 'build'> {
  const failures: string[] = [];
  for (const [source, obtain] of [
    ['download', downloadTemporal],
    ['build', buildTemporal],
  ] as const) {
    const fresh = join(folder, `temporal.${process.pid}.new`);
    try {
      await obtain({ target: fresh, version: temporalVersion, onNote });
      if (!(await runs(fresh))) throw new Error('what was made does not run');
      renameSync(fresh, join(folder, 'temporal'));
      return source;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
      failures.push(`${source}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (existsSync(fresh)) rmSync(fresh, { force: true });
    }
  }
  throw new SetupError(
    `No Temporal server: there is no \`temporal\` on PATH, and none could be made.\n  ${failures.join('\n  ')}`,
    `Install the Temporal CLI (https://temporal.io/setup/install-temporal-cli), or Go 1.26 or newer, or put the ` +
      `program at ${join(folder, 'temporal')}, or set TEMPORAL_ADDRESS to a server that runs.`,
  );
}

async function runs(path: string): Promise<boolean> {
  return /temporal version/i.test((await tryRun(path, ['--version'])) ?? '');
}
