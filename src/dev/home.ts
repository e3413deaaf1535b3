import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setupError';

/** The marker that makes a folder ours: `reset` erases no folder without it. */
export const markerFile = 'xianda-home.json';
const layout = 1;
const leastFreeBytes = 1024 ** 3;

export interface Home {
  path: string;
  /** Drawn when the folder was made; data kept elsewhere belongs to this home only under the same id. */
  id: string;
}

/** Opens the stack's folder, making it where there is none; refuses a folder of somebody else or a full disk. */
export function openHome(path: string): Home {
  const known = readMarker(path);
  if (known === undefined && existsSync(path) && readdirSync(path).length > 0) {
    throw new SetupError(
      `${path} holds files that are not Xianda's.`,
      'Point XIANDA_HOME at an empty or new folder.',
    );
  }
  if (known !== undefined && known.layout !== layout) {
    throw new SetupError(
      `The data in ${path} was written by another version of Xianda (layout ${known.layout}, this one is ${layout}).`,
      'Start the version that wrote it, or erase the data with `npm run reset`, or use another XIANDA_HOME.',
    );
  }
  for (const folder of [path, join(path, 'run'), join(path, 'logs')]) mkdirSync(folder, { recursive: true });
  refuseFullDisk(path);
  if (known !== undefined) return { path, id: known.id };
  const id = randomBytes(12).toString('hex');
  writeFileSync(join(path, markerFile), `${JSON.stringify({ product: 'xianda', layout, id }, null, 2)}\n`);
  return { path, id };
}

/** The marker of a folder of ours, or undefined. */
export function readMarker(path: string): { layout: number; id: string } | undefined {
  try {
    const marker = JSON.parse(readFileSync(join(path, markerFile), 'utf8')) as Record<string, unknown>;
    if (marker.product !== 'xianda') return undefined;
    return { layout: Number(marker.layout), id: String(marker.id) };
  } catch {
    return undefined;
  }
}

function refuseFullDisk(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  const freeBytes = bavail * bsize;
  if (freeBytes >= leastFreeBytes) return;
  throw new SetupError(
    `Only ${Math.floor(freeBytes / 1024 ** 2)} MiB are free on the disk of ${path}.`,
    'Free at least 1 GiB, or point XIANDA_HOME at another disk, and start again.',
  );
}
