import type { Client } from '@temporalio/client';

/** Removes the schedules of a test's tenants, whose names begin alike: on a shared server they would go on for ever. */
export async function removeSchedules(client: Client, tenantPrefix: string): Promise<void> {
  for await (const { scheduleId } of client.schedule.list()) {
    if (!scheduleId.startsWith(tenantPrefix)) continue;
    await client.schedule
      .getHandle(scheduleId)
      .delete()
      .catch(() => undefined);
  }
}
