import { joinServers, leaveServers } from './serverPool';

/** Starts or joins the servers; tests read where they are from XIANDA_TEST_SERVERS (see database.ts). */
export default async function globalSetup(): Promise<void> {
  const servers = await joinServers().catch(async (error: unknown) => {
    await leaveServers();
    throw error;
  });
  process.env.XIANDA_TEST_SERVERS = JSON.stringify(servers);
}
