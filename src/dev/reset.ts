import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config';
import { readMarker } from './home';
import { endLeftovers, findLiving } from './pidFile';
import { readOutsideFolder } from './postgres/account';
import { SetupError } from './setupError';
import { stopOrder } from './supervisor';

/**
 * Erases the development stack's data: a folder with our marker and what it keeps elsewhere, nothing else.
 * Refuses while the stack runs; ends what a killed supervisor left.
 */
export async function resetHome({ mode, home }: Pick<Config, 'mode' | 'home'>): Promise<void> {
  if (mode === 'production') {
    throw new SetupError(
      '`xianda reset` erases development data.',
      'Production data is not erased by a command.',
    );
  }
  if (!existsSync(home)) {
    console.log(`Nothing to erase: there is no ${home}.`);
    return;
  }
  if (readMarker(home) === undefined) {
    throw new SetupError(
      `${home} does not look like a folder of Xianda (no xianda-home.json): nothing was erased.`,
      'Check XIANDA_HOME.',
    );
  }
  const supervisor = findLiving(join(home, 'run', 'supervisor.pid'));
  if (supervisor !== undefined) {
    throw new SetupError(
      `The stack in ${home} is running (process ${supervisor.pid}): nothing was erased.`,
      'Stop it first: Ctrl-C where it runs, or kill that process.',
    );
  }
  await endLeftovers(join(home, 'run'), stopOrder);
  const outside = readOutsideFolder(home);
  if (outside !== undefined) rmSync(outside, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
  console.log(`Erased ${home}${outside === undefined ? '' : ` and ${outside}`}.`);
}
