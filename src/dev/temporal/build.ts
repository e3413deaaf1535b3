import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run, tryRun } from '../command';
import type { ObtainOptions } from './download';

const moduleFolder = join(__dirname, '..', '..', '..', 'tools', 'temporal');
// the newest release that `go install` takes as it is, for a Go too old for the pinned one
const olderRelease = '1.5.1';

/** Builds the server from source: the pinned module, else (an older Go) the last release that it can install. */
export async function buildTemporal({ target, version, onNote }: ObtainOptions): Promise<void> {
  const go = await tryRun('go', ['version']);
  if (go === undefined) throw new Error('Go is not installed');
  const startedAt = Date.now();
  const steps = { count: 0 };
  const onLine = (line: string) => {
    steps.count += 1;
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    onNote(
      `building Temporal ${version} with Go, once, about 5 minutes: ${seconds} s, ${steps.count} packages (${line})`,
    );
  };
  onNote(`building Temporal ${version} with Go, once, about 5 minutes`);
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' };
  const args = [
    'build',
    '-v',
    '-trimpath',
    '-ldflags',
    '-s -w',
    '-o',
    target,
    'github.com/temporalio/cli/cmd/temporal',
  ];
  try {
    await run('go', args, { cwd: moduleFolder, env, onLine });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC' || !isTooOld(go)) throw error;
    onNote(`this Go is too old for Temporal ${version}: building ${olderRelease} instead`);
    await installOlder(target, onLine);
  }
}

function isTooOld(goVersion: string): boolean {
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(goVersion) ?? [];
  return Number(major) * 1000 + Number(minor) < 1026;
}

async function installOlder(target: string, onLine: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(dirname(target), 'go-'));
  try {
    const env = { ...process.env, CGO_ENABLED: '0', GOBIN: folder };
    await run('go', ['install', '-v', `github.com/temporalio/cli/cmd/temporal@v${olderRelease}`], {
      cwd: folder,
      env,
      onLine,
    });
    renameSync(join(folder, 'temporal'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
