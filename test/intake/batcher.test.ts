import fc from 'fast-check';
import { type BatchKind, createBatcher, Overloaded } from '../../src/intake/batcher';

const wide = { lanes: 8, lanesOfTenant: 2, mostInBatch: 100, mostWaiting: 1000 };

/** A kind that notes every batch and answers each request with itself doubled; `hold` keeps batches until let go. */
function noting(given: { urgent?: boolean; fail?: (requests: readonly number[]) => void } = {}) {
  const batches: { tenant: string; requests: number[] }[] = [];
  const gates: (() => void)[] = [];
  let held = false;
  const kind: BatchKind<number, number> = {
    name: 'doubling',
    urgent: given.urgent,
    async run(tenant, requests) {
      batches.push({ tenant, requests: [...requests] });
      if (held) await new Promise<void>((resolve) => gates.push(resolve));
      given.fail?.(requests);
      return requests.map((request) => request * 2);
    },
  };
  return {
    kind,
    batches,
    hold: () => (held = true),
    letGo: () => {
      held = false;
      for (const open of gates.splice(0)) open();
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('requests of one turn leave together, in the order they came, and each gets its own answer', async () => {
  const { kind, batches } = noting();
  const batcher = createBatcher(wide);
  const answers = await Promise.all([1, 2, 3].map((each) => batcher.submit(kind, 'a', each)));
  expect(answers).toEqual([2, 4, 6]);
  expect(batches).toEqual([{ tenant: 'a', requests: [1, 2, 3] }]);
});

test('while batches are on their way the next one gathers', async () => {
  const { kind, batches, hold, letGo } = noting();
  const batcher = createBatcher(wide);
  hold();
  const answers: Promise<number>[] = [];
  for (let each = 1; each <= 6; each += 1) {
    answers.push(batcher.submit(kind, 'a', each));
    await turn();
    await turn();
  }
  expect(batcher.waitingOf('a')).toBe(4);
  letGo();
  expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10, 12]);
  expect(batches.map(({ requests }) => requests)).toEqual([[1], [2], [3, 4, 5, 6]]);
});

test('few do not leave beside another batch of their tenant: they wait for it, or for more', async () => {
  const { kind, batches, hold, letGo } = noting();
  const batcher = createBatcher({ ...wide, leastBeside: 3 });
  const sent = () => batches.map(({ tenant, requests }) => [tenant, ...requests]);
  hold();
  const submit = async (tenant: string, ...requests: number[]) => {
    const answers = requests.map((each) => batcher.submit(kind, tenant, each));
    await turn();
    await turn();
    return { answers };
  };
  const all = [await submit('a', 1), await submit('a', 2, 3), await submit('b', 9)];
  expect(sent()).toEqual([
    ['a', 1],
    ['b', 9],
  ]);
  all.push(await submit('a', 4));
  expect(sent().at(-1)).toEqual(['a', 2, 3, 4]);
  all.push(await submit('a', 5));
  expect(batcher.waitingOf('a')).toBe(1);
  letGo();
  await Promise.all(all.flatMap(({ answers }) => answers));
  expect(sent().at(-1)).toEqual(['a', 5]);
});

test('tenants take turns, and one batch is of one tenant', async () => {
  const { kind, batches, hold, letGo } = noting();
  const batcher = createBatcher({ ...wide, lanes: 1, lanesOfTenant: 1, mostInBatch: 2 });
  hold();
  const flood = Array.from({ length: 9 }, (_, index) => batcher.submit(kind, 'flood', index));
  await turn();
  const quiet = batcher.submit(kind, 'quiet', 1);
  letGo();
  await quiet;
  expect(batches.map(({ tenant }) => tenant).indexOf('quiet')).toBeLessThanOrEqual(2);
  await Promise.all(flood);
  expect(batches.every(({ requests }) => requests.length <= 2)).toBe(true);
});

test('more than may wait are turned away before any work, urgent ones are not', async () => {
  const { kind, batches, hold, letGo } = noting();
  const urgent = noting({ urgent: true });
  const batcher = createBatcher({ ...wide, lanesOfTenant: 1, mostInBatch: 1, mostWaiting: 2 });
  hold();
  const first = batcher.submit(kind, 'a', 1);
  await turn();
  await turn();
  const waiting = [batcher.submit(kind, 'a', 2), batcher.submit(kind, 'a', 3)];
  await expect(batcher.submit(kind, 'a', 4)).rejects.toThrow(Overloaded);
  const money = batcher.submit(urgent.kind, 'a', 5);
  const other = batcher.submit(kind, 'b', 1);
  letGo();
  expect(await money).toBe(10);
  expect(await Promise.all([first, ...waiting, other])).toEqual([2, 4, 6, 2]);
  expect(batches.filter(({ tenant }) => tenant === 'a')).toHaveLength(3);
});

test('what is urgent goes ahead', async () => {
  const order: string[] = [];
  const kindOf = (name: string, urgent?: boolean): BatchKind<number, number> => ({
    name,
    urgent,
    run: (_tenant, requests) => {
      order.push(name);
      return Promise.resolve(requests);
    },
  });
  const batcher = createBatcher({ ...wide, lanes: 1, lanesOfTenant: 1 });
  await Promise.all([
    batcher.submit(kindOf('order'), 'a', 1),
    batcher.submit(kindOf('cancel'), 'a', 1),
    batcher.submit(kindOf('payment', true), 'a', 1),
  ]);
  expect(order).toEqual(['payment', 'order', 'cancel']);
});

test('a database that is away is tried again with the whole batch', async () => {
  let tries = 0;
  const { kind, batches } = noting({
    fail: () => {
      tries += 1;
      if (tries <= 2) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    },
  });
  const batcher = createBatcher(wide);
  expect(await Promise.all([1, 2].map((each) => batcher.submit(kind, 'a', each)))).toEqual([2, 4]);
  expect(batches.map(({ requests }) => requests)).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

test('a database that stays away fails the batch, and each caller may ask again', async () => {
  const { kind } = noting({
    fail: () => {
      throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    },
  });
  const batcher = createBatcher(wide);
  const told = await Promise.allSettled([1, 2].map((each) => batcher.submit(kind, 'a', each)));
  expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await turn();
  expect(batcher.load()).toMatchObject({ waiting: 0, running: 0 });
});

test('poison fails alone: whatever the poison and the size of batches, everybody else is answered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat({ max: 60 }), { minLength: 1, maxLength: 40 }),
      fc.func(fc.boolean()),
      fc.integer({ min: 1, max: 50 }),
      async (requests, isPoison, mostInBatch) => {
        const { kind } = noting({
          fail: (batch) => {
            if (batch.some((each) => isPoison(each))) throw new Error('poison');
          },
        });
        const batcher = createBatcher({ ...wide, mostInBatch });
        const told = await Promise.allSettled(requests.map((each) => batcher.submit(kind, 'a', each)));
        for (const [index, each] of requests.entries()) {
          expect(told[index]).toEqual(
            isPoison(each)
              ? { status: 'rejected', reason: new Error('poison') }
              : { status: 'fulfilled', value: each * 2 },
          );
        }
        await turn();
        expect(batcher.load()).toMatchObject({ waiting: 0, running: 0, answered: requests.length });
      },
    ),
    { numRuns: 60 },
  );
});
