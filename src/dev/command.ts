import { type ChildProcess, type SpawnOptions, execFile, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Runs a program to its end and gives what it printed, or undefined when it is missing or fails. */
export function tryRun(
  file: string,
  args: readonly string[],
  timeoutMs = 15_000,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, [...args], { timeout: timeoutMs }, (error, stdout) => {
      resolve(error === null ? stdout.trim() : undefined);
    });
  });
}

const running = new Set<ChildProcess>();

/** Ends whatever `run` still waits for: a stop in the middle of a long build must not leave it behind. */
export function endRunningCommands(): void {
  for (const child of running) endGroup(child);
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // it ended by itself
  }
}

interface RunOptions extends SpawnOptions {
  /** Told every line of either output. */
  onLine?: (line: string) => void;
}

/** Runs a program to its end; a failure throws with the last lines it printed. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { onLine, ...spawnOptions } = options;
  const lastLines: string[] = [];
  const child = spawn(file, [...args], {
    ...spawnOptions,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter((part) => part.trim() !== '')) {
        lastLines.push(line.trim());
        if (lastLines.length > 12) lastLines.shift();
        onLine?.(line.trim());
      }
    });
  }
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal));
  }).finally(() => running.delete(child));
  if (code === 0) return;
  const noSpace = lastLines.some((line) => /no space left on device/i.test(line));
  const error = new Error(`${file} ended with ${code}: ${lastLines.join(' | ')}`);
  throw noSpace ? Object.assign(error, { code: 'ENOSPC' }) : error;
}

/** Where PATH has an executable of this name. */
export function findOnPath(name: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
