import { z } from 'zod';
import { parseScheduleId, scheduleIdOf, scheduleKindNames } from '../../domain/schedule/model';
import { pageAnswer, pageOf, pageQuery, pageSchema } from '../http/page';
import { Problem } from '../http/problem';
import { type Call, defineRoute, ok, type Reply, type Route } from '../http/route';
import { reasonBody, scheduleAnswer, scheduleIdText, scheduleParams, triggerBody } from './schema';
import type { TemporalSchedules } from './temporalSchedules';

const tag = 'Schedules';
const access = ['ops'] as const;
const refusals = ['not-found', 'unavailable'] as const;
const answers = { ok: scheduleAnswer };

export const scheduleRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/schedules',
    tag,
    summary: 'What runs by the clock for this tenant, by id',
    access,
    query: z.strictObject(pageQuery),
    answers: { ok: pageSchema(scheduleAnswer) },
    refusals: ['unavailable'],
    async handle({ deps, query, tenant }) {
      const { limit, after } = pageOf(query, scheduleIdText);
      const ids = scheduleKindNames
        .map((kind) => scheduleIdOf({ tenant, kind }))
        .sort()
        .filter((id) => after === null || id > after);
      const shown = ids.slice(0, limit);
      const found = await Promise.all(shown.map((id) => deps.schedules.find(id)));
      const next = ids.length > limit ? (shown.at(-1) ?? null) : null;
      // one that is not there yet: the dispatcher makes it within seconds of the tenant
      return ok(pageAnswer({ items: found.filter((view) => view !== null), next }));
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/schedules/{scheduleId}/trigger',
    tag,
    summary: 'Run it once now; it stands for this instant',
    access,
    params: scheduleParams,
    body: triggerBody,
    answers,
    refusals,
    handle: (call) => tell(call, (schedules, scheduleId) => schedules.trigger(scheduleId)),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/schedules/{scheduleId}/pause',
    tag,
    summary: 'Let it rest until unpaused; ticks that pass meanwhile are not caught up',
    access,
    params: scheduleParams,
    body: reasonBody,
    answers,
    refusals,
    handle: (call) =>
      tell(call, (schedules, scheduleId) => schedules.pause(scheduleId, reasonOf(call, 'paused'))),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/schedules/{scheduleId}/unpause',
    tag,
    summary: 'Let it run again',
    access,
    params: scheduleParams,
    body: reasonBody,
    answers,
    refusals,
    handle: (call) =>
      tell(call, (schedules, scheduleId) => schedules.unpause(scheduleId, reasonOf(call, 'unpaused'))),
  }),
];

type ScheduleCall<Body = unknown> = Call<z.output<typeof scheduleParams>, unknown, Body>;

/** Who said so stands in the note too: everybody reads it in the Web UI. */
function reasonOf({ body, actor }: ScheduleCall<z.output<typeof reasonBody>>, done: string): string {
  return `${done} by ${actor}: ${body.reason}`;
}

/** Does it to one of the tenant's own schedules and shows it; another's does not exist for it. */
async function tell(
  { deps, params: { scheduleId }, tenant }: ScheduleCall,
  does: (schedules: TemporalSchedules, scheduleId: string) => Promise<boolean>,
): Promise<Reply> {
  const own = parseScheduleId(scheduleId)?.tenant === tenant;
  const view = own && (await does(deps.schedules, scheduleId)) ? await deps.schedules.find(scheduleId) : null;
  if (view === null) throw new Problem('not-found', { detail: 'There is no such schedule.' });
  return ok(view);
}
