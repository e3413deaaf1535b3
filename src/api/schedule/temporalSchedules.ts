import { setTimeout as sleep } from 'node:timers/promises';
import type * as Temporal from '@temporalio/client';
import type { Connection, ScheduleClient, ScheduleDescription, ScheduleHandle } from '@temporalio/client';
import { Problem } from '../http/problem';

export interface ScheduleView {
  scheduleId: string;
  /** Null while paused: nothing comes next. */
  nextAt: Date | null;
  /** The instant that the last run stands for; null before the first. */
  lastAt: Date | null;
  paused: boolean;
  /** Why it is paused, else what it does. */
  note: string;
}

/** Temporal's Schedules as routes ask for them. Whatever keeps Temporal from answering is 503. */
export interface TemporalSchedules {
  /** Null: there is none of this id. */
  find(scheduleId: string): Promise<ScheduleView | null>;
  /** Each answers false when there is none of this id. */
  trigger(scheduleId: string): Promise<boolean>;
  pause(scheduleId: string, reason: string): Promise<boolean>;
  unpause(scheduleId: string, reason: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Settings {
  address?: string;
  namespace: string;
}

const callMs = 3000;
const crowdedMs = 50;
const retryAfterSeconds = 5;

/** With the first call: 35 MB that a process which is asked for no schedule need not hold. */
function loadTemporal(): typeof Temporal {
  return require('@temporalio/client') as typeof Temporal;
}

/** Connects at the first call, and again by itself when the server comes back. */
export function createTemporalSchedules({ address, namespace }: Settings): TemporalSchedules {
  let opened: { connection: Connection; client: ScheduleClient } | undefined;

  function open(): NonNullable<typeof opened> {
    if (address === undefined) throw away('TEMPORAL_ADDRESS is not set.');
    if (opened !== undefined) return opened;
    const { Client, Connection: Connections } = loadTemporal();
    // no retries inside the client: a caller is told to come back rather than kept waiting
    const connection = Connections.lazy({ address, connectTimeout: callMs, interceptors: [] });
    opened = { connection, client: new Client({ connection, namespace }).schedule };
    return opened;
  }

  /** Null when the schedule does not exist. */
  async function ask<Answer>(
    scheduleId: string,
    call: (handle: ScheduleHandle) => Promise<Answer>,
  ): Promise<Answer | null> {
    const { connection, client } = open();
    const deadline = Date.now() + callMs;
    for (;;) {
      try {
        return await connection.withDeadline(deadline, () => call(client.getHandle(scheduleId)));
      } catch (error) {
        if (error instanceof loadTemporal().ScheduleNotFoundError) return null;
        if (!isCrowded(error) || Date.now() + crowdedMs > deadline)
          throw away('Temporal does not answer; schedules can be asked about when it is back.');
      }
      await sleep(crowdedMs);
    }
  }

  const told = async (scheduleId: string, call: (handle: ScheduleHandle) => Promise<void>) =>
    (await ask(scheduleId, (handle) => call(handle).then(() => true))) ?? false;

  return {
    find: async (scheduleId) => toView(await ask(scheduleId, (handle) => handle.describe())),
    // beside a run that is under way: each writes what its own instant stands for
    trigger: (scheduleId) => told(scheduleId, (handle) => handle.trigger('ALLOW_ALL')),
    pause: (scheduleId, reason) => told(scheduleId, (handle) => handle.pause(reason)),
    unpause: (scheduleId, reason) => told(scheduleId, (handle) => handle.unpause(reason)),
    async close() {
      await opened?.connection.close();
    },
  };
}

const grpcResourceExhausted = 8;

/** A schedule answers few at a time and refuses the others at once: a moment later it is their turn. */
function isCrowded(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === grpcResourceExhausted;
}

function away(detail: string): Problem {
  return new Problem('unavailable', { detail }, { 'Retry-After': String(retryAfterSeconds) });
}

function toView(described: ScheduleDescription | null): ScheduleView | null {
  if (described === null) return null;
  const { scheduleId, state, info } = described;
  return {
    scheduleId,
    nextAt: state.paused ? null : (info.nextActionTimes[0] ?? null),
    lastAt: info.recentActions.at(-1)?.scheduledAt ?? null,
    paused: state.paused,
    note: state.note ?? '',
  };
}
