import { leaveServers } from './serverPool';

export default async function globalTeardown(): Promise<void> {
  await leaveServers();
}
