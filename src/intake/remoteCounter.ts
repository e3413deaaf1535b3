import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CounterSettings } from './counter';
import { type Call, type CounterCalls, type CounterLoad, errorOfValues, type Reply } from './counterCalls';
import type { Intake } from './intake';
import type { Till } from './till';

/** A counter in a thread of its own. */
export interface RemoteCounter {
  intake: Intake;
  till: Till;
  /** Orders of a tenant that were handed in and are not answered yet. */
  placingOf(tenant: string): number;
  /** How its connections are used, and what of each tenant waits for a lane. */
  load(tenants: readonly string[]): Promise<CounterLoad>;
  /** Milliseconds that its event loop has worked so far, rather than waited. */
  loopMilliseconds(): number;
  /** Closes its connections and ends it; what it was asked before is answered. */
  close(): Promise<void>;
}

// as it was built, also when this file runs from its source
const program = join(__dirname, '..', '..', 'dist', 'intake', 'counterThread.js');

interface Asked {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  /** Of a placing, which is counted until it is answered. */
  tenant?: string;
}

/**
 * Opens a counter in a thread of its own, so that planning, encrypting and talking to the database of one batch go on
 * while HTTP is read and answered: two cores serve one process. Nobody listens for the thread's errors: one that
 * nobody caught ends the process, as it would here.
 */
export function startCounter(settings: CounterSettings): RemoteCounter {
  const thread = new Worker(program, { name: 'counter', workerData: settings });
  const asked = new Map<number, Asked>();
  const placing = new Map<string, number>();
  let number = 0;
  let calls: Call[] = [];

  thread.on('message', (replies: readonly Reply[]) => {
    for (const [of, answer, thrown] of replies) {
      const { tenant, resolve, reject } = asked.get(of) as Asked;
      asked.delete(of);
      if (tenant !== undefined) count(tenant, -1);
      if (thrown === undefined) resolve(answer);
      else reject(errorOfValues(thrown));
    }
  });

  function ask<Name extends keyof CounterCalls>(
    name: Name,
    args: Parameters<CounterCalls[Name]>,
    tenant?: string,
  ): ReturnType<CounterCalls[Name]> {
    number += 1;
    calls.push([number, name, args]);
    // what came in together is sent together
    if (calls.length === 1) setImmediate(send);
    return new Promise((resolve, reject) => {
      asked.set(number, { resolve, reject, tenant });
    }) as ReturnType<CounterCalls[Name]>;
  }

  function send(): void {
    thread.postMessage(calls);
    calls = [];
  }

  function count(tenant: string, change: number): void {
    const now = (placing.get(tenant) ?? 0) + change;
    if (now === 0) placing.delete(tenant);
    else placing.set(tenant, now);
  }

  return {
    intake: {
      place(tenant, request, actor) {
        count(tenant, 1);
        return ask('place', [tenant, request, actor], tenant);
      },
    },
    till: { book: (notice) => ask('book', [notice]), cancel: (request) => ask('cancel', [request]) },
    placingOf: (tenant) => placing.get(tenant) ?? 0,
    load: (tenants) => ask('load', [tenants]),
    loopMilliseconds: () => thread.performance.eventLoopUtilization().active,
    async close() {
      await ask('close', []);
      await thread.terminate();
    },
  };
}
