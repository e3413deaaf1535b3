import type { Client } from '@temporalio/client';
import type { CarrierClient } from '../clients/carriers/client';
import type { PaymentClient } from '../clients/payment/client';
import { type CheckRows, type Finding, readCoherence } from '../db/coherence.read';
import type { Database } from '../db/transaction';
import { checkPartners } from './checkPartners';
import { checkDeliveries, checkWorkflows, listRunningOrders } from './checkWorkflows';

/** Where the doctor may look. What is left out is told as not looked at, where there was something to look for. */
export interface CoherenceSources {
  /** Role xianda_checker: reads every tenant, writes nothing. */
  checkerDb: Database;
  /** The task queue narrows the listing to this installation's workflows. */
  temporal?: { client: Client; taskQueue: string };
  payment?: PaymentClient;
  /** Only carriers at `baseUrl` can be asked for their bookings; it is the sandbox. */
  carriers?: { client: CarrierClient; baseUrl: string };
}

export interface CoherenceReport {
  findings: Finding[];
  checks: CheckRows[];
  /** Checks that could not be made although there was something to check. They prove nothing either way. */
  notLooked: { invariant: number; reason: string }[];
}

/**
 * Runs every invariant's check: the SQL views in one read-only snapshot, then the two that reach outside, the
 * partners (I10) and Temporal (I12). Throws when the database is away.
 */
export async function checkCoherence(sources: CoherenceSources): Promise<CoherenceReport> {
  // listed before the snapshot: whatever runs by now has its order in the database by then
  const running = await listRunningOrders(sources.temporal);
  const snapshot = await readCoherence(sources.checkerDb);
  const partners = await checkPartners(snapshot, sources);
  const workflows = await checkWorkflows(snapshot.orders, running, sources.temporal, snapshot.tenants);
  const deliveries = await checkDeliveries(snapshot.dueEndpoints, sources.temporal);
  const outside = [partners, workflows];
  return {
    findings: [...snapshot.findings, ...[...outside, deliveries].flatMap((part) => part.findings)].sort(
      (a, b) => a.invariant - b.invariant,
    ),
    checks: [...snapshot.checks, ...outside.map((part) => part.rows)].sort(
      (a, b) => a.invariant - b.invariant,
    ),
    notLooked: [
      ...snapshot.blindSpots.map((table) => ({
        invariant: 0,
        reason: `the checker does not see all rows of ${table}`,
      })),
      ...[...outside, deliveries].flatMap((part) => part.notLooked),
    ],
  };
}

/** What one of the checks outside of the database comes to. */
export interface OutsideCheck {
  findings: Finding[];
  rows: CheckRows;
  notLooked: CoherenceReport['notLooked'];
}
