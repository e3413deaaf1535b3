import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { isFresh, buildWorkflowBundle } from '../../src/worker/bundle';
import { poolFolder } from '../support/serverPool';

/**
 * Histories saved at the wait states of every branch (`SAVE_HISTORIES=1 npx jest --selectProjects workflows`). Orders
 * are in such states when new code is deployed; a red test here means that the change needs `patched()`. `0.1/` holds
 * what the code of that release wrote: its workflows know nothing of their reader.
 */
const folder = join(__dirname, 'histories');
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''));
const bundleFile = join(poolFolder, 'workflows.bundle.js');

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  if (!(await isFresh(bundleFile))) await buildWorkflowBundle(bundleFile);
});
afterAll(() => Runtime.instance().shutdown());

test('the wait states are there', () => {
  expect(names).toEqual(
    expect.arrayContaining([
      'arrivalReserving',
      'awaitingPayment',
      'booking',
      'bookingParked',
      'brokenInvariant',
      'delivering',
      'noRouteParked',
      'overdue',
      'presaleOverdue',
      'presaleAggregated',
      'presaleAggregatedAfterKill',
      'refundParked',
      'supplierForecast',
      'supplierForecastAfterKill',
      'supplierForecastOneFailed',
      'unbookingParked',
      'waitingForGoods',
      'webhookDown',
      'webhookRetrying',
    ]),
  );
});

test.each(names)('the code of today goes the way of %s', async (name) => {
  const history = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const code = readFileSync(bundleFile, 'utf8');
  await Worker.runReplayHistory({ workflowBundle: { code } }, history, workflowIdOf(history));
});

function workflowIdOf(history: { events: Record<string, { workflowId?: string }>[] }): string {
  return history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'unknown';
}
