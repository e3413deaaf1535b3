import { join } from 'node:path';

/** One way of taking an order that people reach for. */
export interface Peer {
  /** Begins the names of its figures. */
  name: string;
  label: string;
  program: string;
  /** Where what it acknowledged lies, and so whose processor time is its own. */
  store: 'postgres' | 'redis';
  /** What redis-server is started with beside its defaults. */
  redisArguments?: string[];
  /** What an acknowledged order is sure of, in one line. */
  guarantees: string;
}

const program = (file: string) => join(__dirname, 'programs', file);

export const peers: readonly Peer[] = [
  {
    name: 'ours',
    label: 'Xianda intake',
    program: program('ours.ts'),
    store: 'postgres',
    guarantees:
      'durable; lot and site by FEFO, safety stock, limits, capacity, promised day, sealed journal, encrypted recipient, RLS, repeats answered alike; the workflow’s start in the same commit',
  },
  {
    name: 'dbos',
    label: 'DBOS Transact',
    program: program('dbos.mjs'),
    store: 'postgres',
    guarantees: 'durable; unit and order once for each id; the timeout follows in a step of its own, surely',
  },
  {
    name: 'graphileWorker',
    label: 'graphile-worker',
    program: program('graphileWorker.mjs'),
    store: 'postgres',
    guarantees: 'durable; unit, order and timeout in one commit; the timeout runs at least once',
  },
  {
    name: 'pgBoss',
    label: 'pg-boss',
    program: program('pgBoss.mjs'),
    store: 'postgres',
    guarantees: 'durable; unit, order and timeout in one commit; the timeout runs at least once',
  },
  {
    name: 'redis',
    label: 'Redis, Lua, as installed',
    program: program('redis.mjs'),
    store: 'redis',
    guarantees:
      'NOT durable: a crash forgets what was acknowledged since the last snapshot; atomic; nobody runs the timeout',
  },
  {
    name: 'redisFsync',
    label: 'Redis, Lua, fsync always',
    program: program('redis.mjs'),
    store: 'redis',
    redisArguments: ['--appendonly', 'yes', '--appendfsync', 'always'],
    guarantees:
      'durable on one disk, in memory whole; atomic; nobody runs the timeout; no link to the order database',
  },
];
