import { Client, Connection } from '@temporalio/client';
import { checkSchedules } from '../../src/doctor/checkSchedules';
import { scheduleKindNames } from '../../src/domain/schedule/model';
import { type TestDatabase, createTestDatabase } from '../support/database';
import { givenCampaign, givenSku, givenTenant } from '../support/fixtures';
import { removeSchedules } from '../support/schedules';
import { testTemporal } from '../support/servers';

let database: TestDatabase;
let connection: Connection;
let client: Client;
const tenant = `doc-${process.pid.toString(36)}-${Date.now().toString(36)}`;
const scheduleId = `${tenant}:presale-aggregation`;

beforeAll(async () => {
  database = await createTestDatabase();
  const { address, namespace } = testTemporal();
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  await givenTenant(database, { tenant });
  await givenSku(database, tenant);
  await givenCampaign(database, tenant);
});
afterAll(async () => {
  await removeSchedules(client, tenant);
  await connection.close();
  await database.drop();
});

const check = (temporal: { client: Client; taskQueue: string } | undefined = { client, taskQueue: tenant }) =>
  checkSchedules(database.as('xianda_checker'), temporal);
const make = (kind: string) =>
  client.schedule.create({
    scheduleId: `${tenant}:${kind}`,
    spec: { intervals: [{ every: '1 hour' }] },
    action: { type: 'startWorkflow', workflowType: 'nobodyWorkflow', taskQueue: tenant, args: [] },
  });

test('a tenant that is new is given time', async () => {
  expect(await check()).toMatchObject({ findings: [], rows: { rowsSeen: 0 }, notLooked: [] });
});

test('a tenant without its schedules is found, and so is Temporal that cannot be asked', async () => {
  await database.query(`UPDATE tenant SET created_at = now() - interval '1 day'`);
  const { findings, rows } = await check();
  expect(findings.map(({ subject }) => subject)).toEqual(
    scheduleKindNames.map((kind) => `${tenant}:${kind}`),
  );
  expect(rows.rowsSeen).toBe(scheduleKindNames.length);
  const blind = await checkSchedules(database.as('xianda_checker'), undefined);
  expect(blind.notLooked).toEqual([{ invariant: 12, reason: 'schedules: Temporal is not known here' }]);
  for (const kind of scheduleKindNames) await make(kind);
  expect((await check()).findings).toEqual([]);
});

test('an open campaign that was not summed up for two hours is found, unless that is paused', async () => {
  await database.query(
    `UPDATE presale_campaign SET opens_at = now() - interval '5 hours', created_at = now() - interval '4 hours'`,
  );
  expect((await check()).findings).toEqual([
    expect.objectContaining({ invariant: 12, tenant, subject: 'early' }),
  ]);
  await client.schedule.getHandle(scheduleId).pause('stocktaking');
  expect((await check()).findings).toEqual([]);
  await client.schedule.getHandle(scheduleId).unpause();
  await database.query(
    `INSERT INTO presale_aggregation (tenant, campaign_id, scheduled_at, as_of, region, quota, committed, held, low, units, high, purchase_by)
     VALUES ($1, 'early', now() - interval '61 minutes', now() - interval '60 minutes', 'east', 10, 0, 0, 0, 1, 2, '2026-01-01')`,
    [tenant],
  );
  expect((await check()).findings).toEqual([]);
});
