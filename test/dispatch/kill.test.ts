import { expectCoherent } from '../support/expectCoherent';
import { eventually } from '../support/eventually';
import { givenSku, givenStock, intakeOver, orderRequest } from '../support/fixtures';
import { type RoleChild, startRole } from '../support/roleChild';
import { testTemporal } from '../support/servers';
import { haltAtCommit, haltAtLock, type Standstill } from '../support/standstill';
import { type DispatchStage, openDispatchStage } from './support';

const holders = 16;
const unitsEach = 5;
const buyersInLine = 60;

let stage: DispatchStage;
let dispatch: RoleChild | undefined;
beforeAll(async () => {
  stage = await openDispatchStage();
  await givenSku(stage.database, stage.tenant, { sku: 'pear' });
  await givenStock(stage.database, stage.tenant, { sku: 'pear', quantity: holders * unitsEach });
});
afterAll(async () => {
  await dispatch?.kill();
  await stage.close();
});

const query = <R extends object>(text: string, values: unknown[] = []) =>
  stage.database.query<R>(text.replaceAll(':tenant', `'${stage.tenant}'`), values);

async function place(count: number, quantityOf: (index: number) => number): Promise<string[]> {
  const intake = intakeOver(stage.database.as('xianda_app'));
  const requests = Array.from({ length: count }, (_, index) =>
    orderRequest({ lines: { pear: quantityOf(index) }, acceptLater: true }),
  );
  const answers = await Promise.all(requests.map((request) => intake.place(stage.tenant, request, 'test')));
  return answers.map((answer) => (answer.kind === 'accepted' ? answer.answer.orderId : answer.kind));
}

/** Their minutes are over, for dispatch to find. */
async function letHoldsRunOut(orderIds: string[]): Promise<void> {
  for (const table of ['hold', 'orders'])
    await query(
      `UPDATE ${table} SET expires_at = clock_timestamp() WHERE tenant = :tenant AND order_id = ANY($1)`,
      [orderIds],
    );
}

async function startDispatch(): Promise<void> {
  const { address, namespace } = testTemporal();
  dispatch = await startRole('dispatch', {
    DATABASE_URL: stage.database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TASK_QUEUE: stage.taskQueue,
  });
}

async function dieIn(standstill: Standstill): Promise<void> {
  await startDispatch();
  await standstill.reached();
  await dispatch?.kill();
  await standstill.letGo();
}

const inLine = () =>
  query<{ orderId: string; units: number }>(
    `SELECT w.order_id AS "orderId", l.quantity::integer AS units FROM waiting_order w
       JOIN order_line l ON l.tenant = w.tenant AND l.order_id = w.order_id WHERE w.tenant = :tenant ORDER BY w.position`,
  );

/** In the order in which they were served. */
async function served(): Promise<string[]> {
  const rows = await query<{ order_id: string }>(
    `SELECT order_id FROM order_event WHERE tenant = :tenant AND kind = 'promoted' ORDER BY at`,
  );
  return rows.map((row) => row.order_id);
}

test('SIGKILL among the turns of the waiting list: each unit goes to the next in line, once and in order', async () => {
  const unpaid = await place(holders, () => unitsEach);
  await place(buyersInLine, (index) => 1 + (index % 3));
  const waiting = await inLine();
  const line = waiting.map(({ orderId }) => orderId);
  expect(line).toHaveLength(buyersInLine);
  const at = (place: number) => line[place] as string;

  await letHoldsRunOut(unpaid.slice(0, holders / 2));
  await dieIn(await haltAtCommit(stage.database, at(12)));
  // the thirteenth turn counts, though nobody was left to hear of it
  expect(await served()).toEqual(line.slice(0, 13));

  await letHoldsRunOut(unpaid.slice(holders / 2));
  await dieIn(await haltAtLock(stage.database, at(28)));
  // the twenty-ninth had its units under its locks, and is where it was
  expect(await served()).toEqual(line.slice(0, 28));

  const lucky = countServable(waiting);
  // what the dead had claimed of the outbox is told again, as after their leases
  await stage.endLeases();
  await startDispatch();
  await eventually(async () => (await served()).length >= lucky, { what: 'the rest to be served' });
  await eventually(async () => (await stage.pending()) === 0, { what: 'Temporal to be told' });
  await dispatch?.kill();
  dispatch = undefined;

  expect(await served()).toEqual(line.slice(0, lucky));
  expect(await heldByOrder()).toEqual(waiting.slice(0, lucky));
  expect(await statesOf(line)).toEqual(
    line.map((_, place) => (place < lucky ? 'awaitingPayment' : 'waiting')),
  );
  const standings = await Promise.all(line.map((orderId) => stage.standing(orderId)));
  expect(standings.map((standing) => standing === 'running')).toEqual(line.map((_, place) => place < lucky));
  await expectCoherent(stage.database, { atLeast: { 18: buyersInLine } });
}, 60_000);

/** As many of those in line as the units are enough for; what is left over is kept for the next. */
function countServable(waiting: { units: number }[]): number {
  let left = holders * unitsEach;
  const first = waiting.findIndex(({ units }) => (left -= units) < 0);
  return first === -1 ? waiting.length : first;
}

/** What is held, in the order of the places in line. */
const heldByOrder = () =>
  query<{ orderId: string; units: number }>(
    `SELECT w.order_id AS "orderId", sum(h.quantity)::integer AS units
       FROM waiting_order w JOIN hold h ON h.tenant = w.tenant AND h.order_id = w.order_id
      WHERE w.tenant = :tenant AND h.state = 'held' AND h.expires_at > clock_timestamp()
      GROUP BY w.order_id, w.position ORDER BY w.position`,
  );

async function statesOf(orderIds: string[]): Promise<(string | undefined)[]> {
  const rows = await query<{ order_id: string; state: string }>(
    'SELECT order_id, state FROM orders WHERE tenant = :tenant',
  );
  const states = new Map(rows.map((row) => [row.order_id, row.state]));
  return orderIds.map((orderId) => states.get(orderId));
}
