import { ScheduleNotFoundError } from '@temporalio/client';
import type { Finding } from '../db/coherence.read';
import { type ScheduleDuty, readScheduleDuties } from '../db/schedule.read';
import type { Database } from '../db/transaction';
import { scheduleIdOf, scheduleKindNames } from '../domain/schedule/model';
import type { CoherenceReport, CoherenceSources, OutsideCheck } from './checkCoherence';

const invariant = 12;
/** A dispatcher settles a new tenant within seconds. */
const settledMinutes = 5;
/** Two ticks of an hour. */
const staleMinutes = 120;

/**
 * Part of invariant 12 that only a live installation can answer: each tenant has its schedules in Temporal, and its
 * open campaigns were summed up within two ticks, unless somebody has paused that.
 */
export async function checkSchedules(
  checkerDb: Database,
  temporal: CoherenceSources['temporal'],
): Promise<OutsideCheck> {
  const result: OutsideCheck = { findings: [], rows: { invariant, rowsSeen: 0 }, notLooked: [] };
  const duties = await readScheduleDuties(checkerDb, { settledMinutes, staleMinutes });
  if (!temporal) {
    if (duties.length > 0)
      result.notLooked.push({ invariant, reason: 'schedules: Temporal is not known here' });
    return result;
  }
  try {
    for (const duty of duties) {
      result.rows.rowsSeen += scheduleKindNames.length;
      result.findings.push(...(await checkTenant(temporal, duty)));
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    result.notLooked.push({ invariant, reason: `schedules: Temporal did not answer: ${reason}` });
  }
  return result;
}

async function checkTenant(
  { client }: NonNullable<CoherenceSources['temporal']>,
  { tenant, stale }: ScheduleDuty,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const kind of scheduleKindNames) {
    const subject = scheduleIdOf({ tenant, kind });
    const paused = await isPaused(() => client.schedule.getHandle(subject).describe());
    if (paused === null) findings.push(found(tenant, subject, 'the tenant’s schedule is not there'));
    if (kind !== 'presale-aggregation' || paused === true) continue;
    for (const { campaignId, aggregatedAt } of stale) {
      findings.push(
        found(tenant, campaignId, 'an open campaign was not summed up for two hours', { aggregatedAt }),
      );
    }
  }
  return findings;
}

/** Null: there is no such schedule. */
async function isPaused(describe: () => Promise<{ state: { paused: boolean } }>): Promise<boolean | null> {
  try {
    return (await describe()).state.paused;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

function found(tenant: string, subject: string, problem: string, facts: object = {}): Finding {
  return { invariant, tenant, subject, detail: { problem, ...facts } };
}

/** Adds what a further check came to, to the row of its invariant. */
export function withCheck(report: CoherenceReport, check: OutsideCheck): CoherenceReport {
  return {
    findings: [...report.findings, ...check.findings].sort((a, b) => a.invariant - b.invariant),
    checks: report.checks.map((row) =>
      row.invariant === check.rows.invariant ? { ...row, rowsSeen: row.rowsSeen + check.rows.rowsSeen } : row,
    ),
    notLooked: [...report.notLooked, ...check.notLooked],
  };
}
