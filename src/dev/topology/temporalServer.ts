import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable, run, tryRun } from '../command';
import { withFileLock } from '../fileLock';
import { SetupError } from '../setupError';
import { cacheFolder } from '../temporal/binary';

/** The release that docker-compose.yml names. */
export const temporalServerVersion = '1.31.2';

export interface TemporalServerPrograms {
  /** Holds `temporal-server` and `temporal-sql-tool`, called as in their images. */
  folder: string;
}

const programs = [
  { built: 'server', name: 'temporal-server', module: 'go.temporal.io/server/cmd/server' },
  { built: 'sql', name: 'temporal-sql-tool', module: 'go.temporal.io/server/cmd/tools/sql' },
] as const;

/** Finds the server that keeps its data in PostgreSQL in the cache, else builds it with Go, some minutes, once. */
export async function settleTemporalServer(
  onNote: (note: string) => void,
  env = process.env,
): Promise<TemporalServerPrograms> {
  const name = `temporal-server-${temporalServerVersion}-${process.platform}-${process.arch}`;
  const folder = join(cacheFolder(env), name);
  const isThere = () => programs.every((program) => isExecutable(join(folder, program.name)));
  if (isThere()) return { folder };
  mkdirSync(folder, { recursive: true });
  await withFileLock(
    `${folder}.lock`,
    async () => {
      if (!isThere()) await build(folder, onNote);
    },
    () => onNote('another start is building the Temporal server: waiting for it'),
  );
  return { folder };
}

async function build(folder: string, onNote: (note: string) => void): Promise<void> {
  if ((await tryRun('go', ['version'])) === undefined) throw withoutGo(folder);
  const fresh = mkdtempSync(join(folder, 'build-'));
  const startedAt = Date.now();
  onNote(`building the Temporal server ${temporalServerVersion} with Go, once, about 5 minutes`);
  const onLine = (line: string) =>
    onNote(`building the Temporal server: ${Math.round((Date.now() - startedAt) / 1000)} s (${line})`);
  try {
    const modules = programs.map(({ module }) => `${module}@v${temporalServerVersion}`);
    const args = ['install', '-v', '-trimpath', '-ldflags', '-s -w', ...modules];
    await run('go', args, { cwd: fresh, env: { ...process.env, CGO_ENABLED: '0', GOBIN: fresh }, onLine });
    for (const { built, name } of programs) renameSync(join(fresh, built), join(folder, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') throw cause;
    throw new SetupError(
      `The Temporal server could not be built (${(cause as Error).message}).`,
      'Check that the Go module proxy can be reached (GOPROXY) and that Go is 1.26 or newer, and run the command again.',
      { cause },
    );
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function withoutGo(folder: string): SetupError {
  return new SetupError(
    'This needs the Temporal server that keeps its data in PostgreSQL, and Go to build it: Go is not installed.',
    `Install Go 1.26 or newer (https://go.dev/dl); or put \`temporal-server\` and \`temporal-sql-tool\` of release ` +
      `${temporalServerVersion} into ${folder}; or run docker compose, whose images hold them; or, for everything but ` +
      `the server's own storage, \`npm start\`.`,
  );
}
