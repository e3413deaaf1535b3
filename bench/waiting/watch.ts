import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import type { Client as Postgres } from 'pg';
import type { BenchContext } from '../support/bench';
import { readMemoryMB } from '../support/processes';
import type { Servers } from '../support/servers';

/** How the orders came to wait. */
export interface Watch {
  /** When each workflow was started, in milliseconds. */
  startedAt: number[];
  startsPerSecond: number;
  /** From the first start until every workflow had run its first steps and waited for payment. */
  seconds: number;
}

interface WatchNeeds {
  database: Postgres;
  temporal: Connection;
  /** Also the name of the task queue. */
  namespace: string;
  servers: Servers;
  orders: number;
  say: BenchContext['say'];
}

const lookMs = 2000;
const stallMs = 120_000;

/** Waits until every order's workflow is started and the worker has nothing left to do, telling how it goes. */
export async function watchStarts({
  database,
  temporal,
  namespace,
  servers,
  orders,
  say,
}: WatchNeeds): Promise<Watch> {
  const began = performance.now();
  let last = { started: 0, at: began };
  for (let toldAt = 0, moved = began; ; ) {
    const started = await countStarted(database);
    const tasks = await countWaitingTasks(temporal, namespace);
    const at = performance.now();
    if (started !== last.started || tasks > 0) moved = at;
    if (at - moved > stallMs) throw new Error(`no workflow was started for ${stallMs / 1000} s`);
    if (at - toldAt >= 5 * lookMs || started === orders) {
      const rate = ((started - last.started) / (at - last.at)) * 1000;
      say(`  ${started} started, ${rate.toFixed(0)} a second, ${tasks} tasks wait; ${tellMemory(servers)}`);
      toldAt = at;
      last = { started, at };
    }
    servers.expectAlive();
    if (started === orders && tasks === 0) break;
    await sleep(lookMs);
  }
  const startedAt = await readStartTimes(database);
  const [first = 0, final = 0] = [startedAt[0], startedAt.at(-1)];
  const startsPerSecond = startedAt.length / ((final - first) / 1000);
  return { startedAt, startsPerSecond, seconds: (performance.now() - began) / 1000 };
}

function tellMemory(servers: Servers): string {
  const ofInterest = [...servers.pids()].filter(([name]) => /worker|temporal|dispatch/.test(name));
  return ofInterest
    .map(([name, pid]) => `${name.replace(/.*-/, '')} ${readMemoryMB(pid).toFixed(0)} MB`)
    .join(', ');
}

async function countStarted(database: Postgres): Promise<number> {
  const { rows } = await database.query<{ started: number }>(
    `SELECT count(*)::int AS started FROM outbox WHERE kind = 'startOrder' AND done_at IS NOT NULL`,
  );
  return rows[0]?.started ?? 0;
}

async function readStartTimes(database: Postgres): Promise<number[]> {
  const { rows } = await database.query<{ at: number }>(
    `SELECT (extract(epoch FROM done_at) * 1000)::float8 AS at FROM outbox WHERE kind = 'startOrder' ORDER BY done_at`,
  );
  return rows.map(({ at }) => at);
}

/** Workflow tasks that no worker has taken yet; the server's own estimate. */
async function countWaitingTasks(temporal: Connection, namespace: string): Promise<number> {
  const { TASK_QUEUE_TYPE_WORKFLOW } = proto.api.enums.v1.TaskQueueType;
  const { stats } = await temporal.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: namespace },
    taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}
