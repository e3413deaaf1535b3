import type { TestServers } from './serverPool';

/** Where this run's PostgreSQL and Temporal are; throws in a project that does not start them (unit, architecture). */
export function testServers(): TestServers {
  const text = process.env.XIANDA_TEST_SERVERS;
  if (text === undefined)
    throw new Error('this jest project starts no servers: move the test to db, api, workflows…');
  return JSON.parse(text) as TestServers;
}

/** For TestWorkflowEnvironment.createFromExistingServer and for clients; use a task queue of your own. */
export function testTemporal(): { address: string; namespace: string } {
  const { temporalAddress, temporalNamespace } = testServers();
  return { address: temporalAddress, namespace: temporalNamespace };
}
