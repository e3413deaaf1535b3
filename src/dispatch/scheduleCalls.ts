import { createHash } from 'node:crypto';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
  type Workflow,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { type ScheduleKey, parseScheduleId, scheduleIdOf } from '../domain/schedule/model';
import type { ScheduleKind, ScheduledTenant } from './scheduleKinds';

/** What dispatch says to Temporal about Schedules. Each call is bounded and may be made again. */
export interface ScheduleCalls {
  /** Brings a tenant's schedule to its definition, making it if it is missing. A pause and its reason stay. */
  settle(wanted: WantedSchedule): Promise<'made' | 'changed' | 'asWanted'>;
  /** All schedules of the namespace that have an id like ours, as visibility shows them: a little behind. */
  list(): Promise<ListedSchedule[]>;
  /** Removes a schedule if it starts workflows on our task queue: another installation's are not ours. */
  remove(schedule: ScheduleKey): Promise<boolean>;
}

export interface ListedSchedule extends ScheduleKey {
  /** When it is to run next; null when it is paused or never to run again. In the past only if Temporal is behind. */
  nextAt: Date | null;
}

export interface WantedSchedule extends ScheduledTenant {
  name: string;
  kind: ScheduleKind;
}

interface Line {
  client: Client['schedule'];
  taskQueue: string;
  within<Answer>(milliseconds: number, call: () => Promise<Answer>): Promise<Answer>;
}

type Start = ScheduleOptionsStartWorkflowAction<Workflow>;
type Definition = Pick<ScheduleOptions<Start>, 'spec' | 'policies' | 'action' | 'typedSearchAttributes'>;

const callMs = 5000;
const listMs = 20_000;
const tenantKey = defineSearchAttributeKey('Tenant', 'KEYWORD');

export function createScheduleCalls(line: Line): ScheduleCalls {
  return {
    settle: (wanted) => settle(line, wanted),
    list: () => line.within(listMs, () => list(line)),
    remove: (schedule) => line.within(callMs, () => remove(line, schedule)),
  };
}

/** Fingerprint of what a schedule is to be: dispatchers compare it, so that one already right is left alone. */
export function fingerprintOf(wanted: WantedSchedule, taskQueue: string): string {
  const { name, kind, ...tenant } = wanted;
  const told = [tenant, name, taskQueue, kind.spec(tenant), kind];
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 12);
}

async function settle(line: Line, wanted: WantedSchedule): Promise<'made' | 'changed' | 'asWanted'> {
  const { client, within } = line;
  const { tenant, language, name, kind } = wanted;
  const { purpose } = kind.texts[language];
  const scheduleId = scheduleIdOf({ tenant, kind: name });
  const definition = define(wanted, line.taskQueue);
  const fingerprint = definition.action.memo?.definition;
  const found = await within(callMs, () => find(line, scheduleId));
  if (found?.action.memo?.definition === fingerprint) return 'asWanted';
  if (found === null) {
    const made = await within(callMs, () =>
      create(line, {
        ...definition,
        scheduleId,
        memo: { what: purpose },
        state: { note: purpose },
      }),
    );
    // made meanwhile by another dispatcher, or just deleted: the next look tells
    return made ? 'made' : 'asWanted';
  }
  await within(callMs, () =>
    client.getHandle(scheduleId).update<Workflow>(({ state }) => ({
      ...definition,
      state: { ...state, note: state.paused ? state.note : purpose },
    })),
  );
  return 'changed';
}

function define(wanted: WantedSchedule, taskQueue: string): Definition {
  const { tenant, timeZone, language, name, kind } = wanted;
  const { purpose, summary } = kind.texts[language];
  const typedSearchAttributes = new TypedSearchAttributes([{ key: tenantKey, value: tenant }]);
  return {
    spec: kind.spec({ tenant, timeZone, language }),
    policies: kind.policies,
    typedSearchAttributes,
    action: {
      type: 'startWorkflow',
      workflowType: kind.workflowType,
      // the server adds the scheduled time
      workflowId: scheduleIdOf({ tenant, kind: name }),
      taskQueue,
      args: [{ tenant, language }],
      staticSummary: `${summary} · ${tenant}`,
      staticDetails: purpose,
      memo: { definition: fingerprintOf(wanted, taskQueue) },
      typedSearchAttributes,
    },
  };
}

async function find(
  { client }: Pick<Line, 'client'>,
  scheduleId: string,
): Promise<ScheduleDescription | null> {
  try {
    return await client.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

async function create({ client }: Line, schedule: ScheduleOptions<Start>): Promise<boolean> {
  try {
    await client.create(schedule);
    return true;
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false;
    throw error;
  }
}

async function list({ client }: Line): Promise<ListedSchedule[]> {
  const listed: ListedSchedule[] = [];
  for await (const { scheduleId, state, info } of client.list()) {
    const key = parseScheduleId(scheduleId);
    const nextAt = state.paused ? null : (info.nextActionTimes[0] ?? null);
    if (key !== null) listed.push({ ...key, nextAt });
  }
  return listed;
}

async function remove(line: Line, schedule: ScheduleKey): Promise<boolean> {
  const scheduleId = scheduleIdOf(schedule);
  const found = await find(line, scheduleId);
  if (found?.action.taskQueue !== line.taskQueue) return false;
  await line.client.getHandle(scheduleId).delete();
  return true;
}
