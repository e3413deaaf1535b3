import { createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from '../command';

export interface ObtainOptions {
  /** The file to make. */
  target: string;
  version: string;
  onNote: (note: string) => void;
}

const answerWithinMs = 10_000;
const wholeWithinMs = 180_000;

/** Downloads the release from Temporal's own server, the one that the SDK's test environment uses. */
export async function downloadTemporal({ target, version, onNote }: ObtainOptions): Promise<void> {
  onNote(`downloading Temporal ${version}`);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const address = `https://temporal.download/cli/v${version}?platform=${process.platform}&arch=${architecture}&format=tar.gz`;
  const description = await fetchOrExplain(address, answerWithinMs);
  const { archiveUrl, fileToExtract } = (await description.json()) as {
    archiveUrl: string;
    fileToExtract: string;
  };
  const folder = `${target}.unpacked`;
  mkdirSync(folder, { recursive: true });
  try {
    const archive = join(folder, 'archive.tar.gz');
    const { body } = await fetchOrExplain(archiveUrl, wholeWithinMs);
    if (body === null) throw new Error('the download is empty');
    await pipeline(
      Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
      createWriteStream(archive),
    );
    await run('tar', ['-xzf', archive, '-C', folder, fileToExtract]);
    renameSync(join(folder, fileToExtract), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchOrExplain(address: string, withinMs: number): Promise<Response> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(withinMs) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    throw new Error(`${new URL(address).host} cannot be used (${cause?.code ?? message})`);
  }
}
