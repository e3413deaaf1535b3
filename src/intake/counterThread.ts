// The program of the counter's thread (src/intake/remoteCounter.ts starts it): does what it is asked, and answers.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type CounterSettings, openCounter } from './counter';
import { type Call, type CounterCalls, type Reply, valuesOfError } from './counterCalls';

serve(parentPort as MessagePort, createCalls(workerData as CounterSettings));

function createCalls({ personalDataKeys, ...rules }: CounterSettings): CounterCalls {
  const { intake, till, batcher, pools, close } = openCounter({
    ...rules,
    // bytes come out of a thread's mail as plain arrays
    personalDataKeys: personalDataKeys.map(({ id, key }) => ({ id, key: Buffer.from(key) })),
  });
  return {
    place: intake.place,
    book: (notice) => till.book({ ...notice, bodyDigest: Buffer.from(notice.bodyDigest) }),
    cancel: till.cancel,
    load: async (tenants) => ({
      pools: pools.map((pool) => pool.load()),
      waiting: tenants.map((tenant) => batcher.waitingOf(tenant)),
    }),
    close,
  };
}

function serve(port: MessagePort, calls: CounterCalls): void {
  let replies: Reply[] = [];

  function reply(one: Reply): void {
    replies.push(one);
    if (replies.length > 1) return;
    // behind the answers of the same batch, which are settled one after the other, and before the next batch begins
    queueMicrotask(() => {
      port.postMessage(replies);
      replies = [];
    });
  }

  port.on('message', (asked: readonly Call[]) => {
    for (const [number, name, args] of asked) {
      (calls[name] as (...values: readonly unknown[]) => Promise<unknown>)(...args).then(
        (answer) => reply([number, answer]),
        (error: unknown) => reply([number, undefined, valuesOfError(error)]),
      );
    }
  });
}
