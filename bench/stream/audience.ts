import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchRefusal } from '../support/bench';
import type { Servers } from '../support/servers';

/** One frame, and how many pages had it at which millisecond of the machine's clock. */
export interface Heard {
  sku: string;
  sellable: number;
  arrivals: Map<number, number>;
}

export interface OpenPages {
  kind: 'open';
  group: string;
  apiUrl: string;
  token: string;
  skus: string[];
  count: number;
  /** Whether arrivals are noted. */
  noted: boolean;
}

export type Order =
  | OpenPages
  | { kind: 'close their eyes' | 'open their eyes' | 'tell'; group: string }
  | { kind: 'forget' }
  | { kind: 'who knows'; group: string; numbers: Record<string, number> };

export type AudienceMessage = { answer: unknown } | { error: string };

/** Thousands of open pages in a process of their own: they must not wait for the bench, nor the bench for them. */
export interface Audience {
  pid: number;
  /** Resolves when each of them has been told the present number of each SKU. */
  open(pages: Omit<OpenPages, 'kind'>): Promise<void>;
  /** They stay connected and read nothing. */
  closeEyes(group: string): Promise<void>;
  openEyes(group: string): Promise<void>;
  /** All arrivals noted since `forget`, and how many pages are still connected. */
  tell(group: string): Promise<{ heard: Heard[]; open: number }>;
  forget(): Promise<void>;
  /** How many pages show exactly these numbers. */
  countKnowing(group: string, numbers: Record<string, number>): Promise<number>;
  close(): void;
}

const register = join(__dirname, '..', '..', 'scripts', 'registerTypeScript.cjs');
/** Of each process, beside its listeners: files, database connections, orders. */
const otherDescriptors = 300;

export function gatherAudience(servers: Servers, { pages }: { pages: number }): Audience {
  expectDescriptors(pages + otherDescriptors);
  const log = openSync(join(servers.home, 'logs', 'audience.log'), 'a');
  const child = fork(join(__dirname, 'pages.ts'), [], {
    execArgv: ['--require', register],
    stdio: ['ignore', log, 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  closeSync(log);
  const obey = async <Answer>(order: Order): Promise<Answer> => {
    child.send(order);
    return (await hearAnswer(child)) as Answer;
  };
  return {
    pid: child.pid as number,
    open: (opened) => obey({ kind: 'open', ...opened }),
    closeEyes: (group) => obey({ kind: 'close their eyes', group }),
    openEyes: (group) => obey({ kind: 'open their eyes', group }),
    tell: (group) => obey({ kind: 'tell', group }),
    forget: () => obey({ kind: 'forget' }),
    countKnowing: (group, numbers) => obey({ kind: 'who knows', group, numbers }),
    close: () => void child.kill('SIGKILL'),
  };
}

async function hearAnswer(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('the listeners’ process ended');
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [AudienceMessage];
  if ('error' in message) throw new Error(message.error);
  return message.answer;
}

/** Node raises its own soft limit to the hard one, so the hard one is what counts. */
function expectDescriptors(needed: number): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  if (hard === 'unlimited' || Number(hard) >= needed) return;
  throw new BenchRefusal(
    `${needed} file descriptors a process are needed and ${hard} are allowed: raise the hard limit ` +
      `(ulimit -Hn ${needed}, as root) or give fewer --listeners.`,
  );
}
