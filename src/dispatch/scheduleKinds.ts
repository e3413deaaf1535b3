import type { ScheduleOptions, ScheduleSpec } from '@temporalio/client';
import type { ScheduleKindName } from '../domain/schedule/model';

export interface ScheduledTenant {
  tenant: string;
  timeZone: string;
}

/** One thing that runs by the clock for every tenant. Its workflow is started with `{ tenant }`. */
export interface ScheduleKind {
  workflowType: string;
  /** What an ops person reads in the Web UI: what it does and when. */
  purpose: string;
  /** Summary of each run, before the tenant's name. */
  summary: string;
  spec(tenant: ScheduledTenant): ScheduleSpec;
  /** Both explicit, and the reason beside them: the server's defaults skip ticks and replay a year. */
  policies: Required<Pick<NonNullable<ScheduleOptions['policies']>, 'overlap' | 'catchupWindow'>>;
}

/** Every kind under its name; the compiler asks for each. */
export const scheduleKinds: Record<ScheduleKindName, ScheduleKind> = {};
