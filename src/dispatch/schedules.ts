import { readTenants } from '../db/dispatch';
import type { Database } from '../db/transaction';
import { scheduleIdOf } from '../domain/schedule/model';
import type { Logger } from '../log';
import { isTemporalAway } from './loop';
import { type ScheduleCalls, type WantedSchedule, fingerprintOf } from './scheduleCalls';
import type { ScheduleKind } from './scheduleKinds';

export interface ScheduleKeeperNeeds {
  /** As `xianda_dispatch`. */
  db: Database;
  schedules: ScheduleCalls;
  taskQueue: string;
  kinds: Readonly<Record<string, ScheduleKind>>;
  logger: Logger;
}

export interface ScheduleKeeper {
  /** One round: every tenant has every kind, as it is declared. */
  keep(): Promise<'idle'>;
  /** By how much the latest of our schedules was behind its time when last listed; 0 when all were in time. */
  lateSeconds(): number;
}

/** Between two looks at what Temporal really has: what somebody deleted by hand comes back within it. */
const relistMs = 60_000;

/**
 * Keeps each tenant's Temporal Schedules as they are declared. A round without news costs one small query; a new
 * tenant, a changed time zone and a changed declaration are settled in the next round. A kind that is declared no
 * more is removed when a dispatcher starts, and only then: while two versions run side by side during a release, the
 * older one must not take away every minute what the newer one has made (docs/decisions/0018). Several keepers at
 * once are harmless: all of them write the same definition.
 */
export function createScheduleKeeper(needs: ScheduleKeeperNeeds): ScheduleKeeper {
  const { db, schedules, taskQueue, kinds, logger } = needs;
  /** Fingerprint of each schedule that this process has seen settled. */
  const settled = new Map<string, string>();
  let listedAt = Number.NEGATIVE_INFINITY;
  let begun = false;
  let lateSeconds = 0;

  async function relist(tenants: Set<string>): Promise<void> {
    const there = (await schedules.list()).filter(({ tenant }) => tenants.has(tenant));
    const ids = new Set(there.map(scheduleIdOf));
    for (const id of settled.keys()) if (!ids.has(id)) settled.delete(id);
    listedAt = performance.now();
    lateSeconds = Math.max(0, ...there.map(({ nextAt }) => (nextAt === null ? 0 : secondsPast(nextAt))));
    if (begun) return;
    for (const schedule of there) {
      if (Object.hasOwn(kinds, schedule.kind)) continue;
      if (await schedules.remove(schedule)) logger.info({ ...schedule }, 'removed a schedule of no kind');
    }
    begun = true;
  }

  async function settle(wanted: WantedSchedule): Promise<void> {
    const scheduleId = scheduleIdOf({ tenant: wanted.tenant, kind: wanted.name });
    const fingerprint = fingerprintOf(wanted, taskQueue);
    if (settled.get(scheduleId) === fingerprint) return;
    const done = await schedules.settle(wanted);
    settled.set(scheduleId, fingerprint);
    if (done !== 'asWanted') logger.info({ scheduleId, done }, 'settled a schedule');
  }

  return {
    lateSeconds: () => lateSeconds,
    async keep() {
      const tenants = await readTenants(db);
      if (performance.now() - listedAt >= relistMs) {
        await relist(new Set(tenants.map(({ tenant }) => tenant)));
      }
      const failures: unknown[] = [];
      for (const tenant of tenants) {
        for (const [name, kind] of Object.entries(kinds)) {
          await settle({ ...tenant, name, kind }).catch((error: unknown) => {
            // nobody answers: the others need not be tried
            if (isTemporalAway(error)) throw error;
            failures.push(error);
          });
        }
      }
      if (failures.length > 0) throw failures[0];
      return 'idle';
    },
  };
}

const secondsPast = (instant: Date) => (Date.now() - instant.getTime()) / 1000;
