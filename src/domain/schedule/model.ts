/** What runs by the clock, once a tick for each tenant. The dispatcher declares when and how (src/dispatch/scheduleKinds.ts). */
export const scheduleKindNames = [
  'presale-aggregation',
  'supplier-forecast',
] as const satisfies readonly string[];
export type ScheduleKindName = (typeof scheduleKindNames)[number];

export interface ScheduleKey {
  tenant: string;
  kind: string;
}

/** `<tenant>:<kind>`: a tenant's name has no colon, so the id says whose it is. */
export function scheduleIdOf({ tenant, kind }: ScheduleKey): string {
  return `${tenant}:${kind}`;
}

/** Null when the text is no id of ours. */
export function parseScheduleId(scheduleId: string): ScheduleKey | null {
  const colon = scheduleId.indexOf(':');
  if (colon < 1 || colon === scheduleId.length - 1) return null;
  return { tenant: scheduleId.slice(0, colon), kind: scheduleId.slice(colon + 1) };
}
