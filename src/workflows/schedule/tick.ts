import { ApplicationFailure, sleep, workflowInfo } from '@temporalio/workflow';

/** Which instant a scheduled run stands for, however late it runs. ISO 8601. */
export interface Tick {
  scheduledAt: string;
  /** The end of that second: everything before it counts. */
  asOf: string;
}

/** Temporal keeps scheduled times to the second. */
const secondMs = 1000;

/**
 * The tick that this run stands for, from the scheduled time alone and never from now: a run that comes late or again
 * has the same tick. Waits for the end of its second, so that what happened just before somebody pressed *Trigger*
 * counts too; `summary` says so to people. Fails in a run that no schedule has started.
 */
export async function awaitTick(summary: string): Promise<Tick> {
  const told = workflowInfo().searchAttributes.TemporalScheduledStartTime?.[0];
  if (told === undefined) {
    throw ApplicationFailure.nonRetryable(
      'this workflow is started by its schedule alone: trigger the schedule',
    );
  }
  const scheduledAt = new Date(told as string | number | Date);
  const asOf = new Date(scheduledAt.getTime() + secondMs);
  const wait = asOf.getTime() - Date.now();
  if (wait > 0) await sleep(wait, { summary });
  return { scheduledAt: scheduledAt.toISOString(), asOf: asOf.toISOString() };
}
