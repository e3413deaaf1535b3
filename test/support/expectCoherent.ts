import { checkCoherence, type CoherenceReport, type CoherenceSources } from '../../src/doctor/checkCoherence';
import { formatReport } from '../../src/doctor/report';
import { findUnsealedTenants, sealBatches } from '../../src/db/seal';
import { findTenantsWithNews, publishEvents } from '../../src/db/event';
import type { TestDatabase } from './database';

export interface CoherenceExpectation extends Omit<CoherenceSources, 'checkerDb'> {
  /** Rows that a check must have looked at, by invariant: `{ 4: 60 }`. */
  atLeast?: Record<number, number>;
  /** Where dispatch runs it must have kept up; elsewhere books are sealed and events published first, by its own code. */
  sealerRuns?: boolean;
  /** For suites that leave nothing behind. */
  mayBeEmpty?: boolean;
}

/**
 * Closes a stateful suite: fails on any row of any invariant's check, with a readable list. Proves that the checks
 * saw what is there, by comparing with what the superuser sees. Checks of Temporal and partners are made where they
 * are handed in, and then must have been possible.
 */
export async function expectCoherent(
  database: TestDatabase,
  expected: CoherenceExpectation = {},
): Promise<void> {
  const { atLeast = {}, sealerRuns = false, mayBeEmpty = false, ...sources } = expected;
  const there = await database.query<{ invariant: number; rows_seen: number }>(
    'SELECT invariant, rows_seen FROM check_rows',
  );
  if (!sealerRuns) await sealBooks(database);
  if (!sealerRuns) await publishNews(database);
  const report = await examine(database, sources);
  const { findings } = report;
  const blind = there.filter(
    ({ invariant, rows_seen }) => Number(rows_seen) > 0 && seen(report, invariant) === 0,
  );
  const few = Object.entries(atLeast).filter(([invariant, rows]) => seen(report, Number(invariant)) < rows);
  const empty = !mayBeEmpty && report.checks.every(({ rowsSeen }) => rowsSeen === 0);
  const unasked = report.notLooked.filter(
    ({ invariant }) => invariant === 0 || isHandedIn(invariant, sources),
  );
  if (findings.length + blind.length + few.length + unasked.length === 0 && !empty) return;
  const complaints = [
    ...blind.map(({ invariant }) => `  I${invariant} saw nothing although there are rows`),
    ...few.map(
      ([invariant, rows]) => `  I${invariant} saw ${seen(report, Number(invariant))} rows, expected ${rows}`,
    ),
    ...(empty ? ['  no check saw any row: nothing was proved'] : []),
  ];
  throw new Error(['not coherent', ...complaints, formatReport(report)].join('\n'));
}

/** Chains every batch that waits, as the sealer would within a second. */
export async function sealBooks(database: Pick<TestDatabase, 'as'>): Promise<void> {
  const sealer = database.as('xianda_sealer');
  for (const tenant of await findUnsealedTenants(sealer)) {
    while ((await sealBatches(sealer, tenant)) > 0);
  }
}

/** Gives every event its place in the feed, as the publisher would within half a second. */
export async function publishNews(database: Pick<TestDatabase, 'as'>): Promise<void> {
  for (const tenant of await findTenantsWithNews(database.as('xianda_dispatch'))) {
    while ((await publishEvents(database.as('xianda_app'), { tenant, limit: 500 })) > 0);
  }
}

/** The whole report, for tests that want a finding. */
export async function examine(
  database: Pick<TestDatabase, 'as'>,
  sources: Omit<CoherenceSources, 'checkerDb'> = {},
): Promise<CoherenceReport> {
  return checkCoherence({ checkerDb: database.as('xianda_checker'), ...sources });
}

function seen(report: CoherenceReport, invariant: number): number {
  return report.checks.find((check) => check.invariant === invariant)?.rowsSeen ?? 0;
}

function isHandedIn(invariant: number, sources: Omit<CoherenceSources, 'checkerDb'>): boolean {
  return invariant === 12
    ? sources.temporal !== undefined
    : sources.payment !== undefined || sources.carriers !== undefined;
}
