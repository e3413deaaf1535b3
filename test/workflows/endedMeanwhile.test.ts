import pino from 'pino';
import { cancelOrder } from '../../src/db/cancel';
import { dispatchBatch } from '../../src/dispatch/outbox';
import { createPace } from '../../src/dispatch/pace';
import { type Temporal, connectTemporal } from '../../src/dispatch/temporal';
import { expectCoherent } from '../support/expectCoherent';
import { givenOrder } from '../support/fixtures';
import { type Stage, openStage } from './support/stage';

let stage: Stage;
let temporal: Temporal;
beforeAll(async () => {
  stage = await openStage();
  await stage.startWorker();
  temporal = connectTemporal({
    address: stage.config.temporalAddress as string,
    namespace: stage.config.temporalNamespace,
    taskQueue: stage.config.temporalTaskQueue,
  });
});
afterAll(async () => {
  await temporal.close();
  await expectCoherent(stage.database);
  await stage.close();
});

/** Claims what waits, and lets something happen to an order before Temporal is told of it. */
async function dispatchWhile(happens: (orderId: string) => Promise<unknown>): Promise<void> {
  const late: Temporal = {
    ...temporal,
    async startOrder(...call) {
      await happens(call[0].orderId);
      await temporal.startOrder(...call);
    },
  };
  const pace = createPace({ start: 4, most: 4 });
  const logger = pino({ level: 'silent' });
  await dispatchBatch({ db: stage.database.as('xianda_dispatch'), temporal: late, pace, logger });
}

test('an order cancelled between claim and start is started, reads its row and closes', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant, { lines: { apple: 1 } });
  await dispatchWhile(() =>
    cancelOrder(stage.database.as('xianda_app'), {
      tenant: stage.tenant,
      orderId,
      reason: 'test',
      actor: 'test',
    }),
  );
  expect(await stage.outcome(orderId)).toEqual({ state: 'cancelled' });
  expect(await stage.shipments(orderId)).toEqual([]);
});

test('one whose hold ends between claim and start closes as expired', async () => {
  const { orderId } = await givenOrder(stage.database, stage.tenant, {
    lines: { apple: 1 },
    paymentWindowSeconds: 1,
  });
  const standing = async () => {
    const [row] = await stage.database.query<{ due: boolean }>(
      'SELECT expires_at <= clock_timestamp() AS due FROM orders WHERE order_id = $1',
      [orderId],
    );
    return row?.due === true;
  };
  await dispatchWhile(async () => {
    while (!(await standing()));
  });
  expect(await stage.outcome(orderId)).toEqual({ state: 'expired' });
});
