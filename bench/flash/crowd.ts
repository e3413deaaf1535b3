import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { HotShop } from '../support/hotSku';
import type { Servers } from '../support/servers';

export const acceptedAnswer = '201';
export const soldOutAnswer = '409 sold-out';

/** One buyer's request and how it ended; times are milliseconds of the machine's clock, as the database's are. */
export interface Asked {
  number: number;
  /** Of the last attempt, rounded down; and of its answer, rounded up. */
  sentAt: number;
  answeredAt: number;
  /** The status, with the slug of a problem: two of them are clear. */
  outcome: string;
  orderId?: string;
  /** How often it was sent until somebody answered it: 1, unless it was told to wait or its connection broke. */
  attempts: number;
}

/** What the crowd's process is told to do: each buyer in turn asks once, from `from` on, until `upTo` or `stop`. */
export interface SalePlan {
  kind: 'sell';
  apiUrl: string;
  channelKey: string;
  callers: number;
  from: number;
  upTo: number | null;
}

export type CrowdMessage = { kind: 'sold'; asked: Asked[] };

/** The buyers, in a process of their own: they must not wait for the bench, nor the bench for them. */
export interface Crowd {
  pid: number;
  /** All requests of a plan, once each is answered. */
  ask(plan: Omit<SalePlan, 'kind' | 'apiUrl' | 'channelKey'>): Promise<Asked[]>;
  /** Nobody asks any more; what is under way is waited for. */
  stop(): void;
  close(): void;
}

const register = join(__dirname, '..', '..', 'scripts', 'registerTypeScript.cjs');

export function gatherCrowd(servers: Servers, { apiUrl, shop }: { apiUrl: string; shop: HotShop }): Crowd {
  const log = openSync(join(servers.home, 'logs', 'crowd.log'), 'a');
  const child = fork(join(__dirname, 'buyers.ts'), [], {
    execArgv: ['--require', register],
    stdio: ['ignore', log, 'inherit', 'ipc'],
    // each request is a record: as text they would be copied twice
    serialization: 'advanced',
  });
  closeSync(log);
  return {
    pid: child.pid as number,
    async ask(plan) {
      child.send({ kind: 'sell', apiUrl, channelKey: shop.channelKey, ...plan } satisfies SalePlan);
      return hearAnswers(child);
    },
    stop: () => void child.send({ kind: 'stop' }),
    close: () => void child.kill('SIGKILL'),
  };
}

async function hearAnswers(child: ChildProcess): Promise<Asked[]> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('the buyers’ process ended');
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [CrowdMessage];
  return message.asked;
}
