import { expectCoherent } from '../support/expectCoherent';
import { givenPaidOrder } from '../support/fixtures';
import { type Stage, eventually, openStage } from './support/stage';

const longAgoSeconds = -60 * 24 * 3600;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  // every promise counts as broken long ago
  await stage.startWorker({ overdueGraceSeconds: longAgoSeconds, reviewSeconds: 1 });
  await stage.startDispatch();
});
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

test('a part that is not there by its promise is shown to people, and the wait goes on', async () => {
  const { orderId } = await givenPaidOrder(stage.database, stage.tenant, { lines: { apple: 1, milk: 1 } });
  const overdue = async () => (await stage.attention(orderId)).filter((reason) => reason === 'overdue');
  await eventually(async () => (await overdue()).length === 2);
  await new Promise((resume) => setTimeout(resume, 1500));
  await stage.keepHistory(`order:${stage.tenant}/${orderId}`, 'overdue');
  expect(await overdue()).toHaveLength(2);
  await stage.deliver(orderId);
  expect(await stage.outcome(orderId)).toEqual({ state: 'delivered' });
  expect(await overdue()).toEqual([]);
});
