// The generator's own process: sends one plan of requests after the other over kept connections.
import { openConnection } from './connection';
import { outcomeOf, type RequestPlan, writeRequests } from './request';
import { serveLoads } from './serveLoads';

export interface HttpLoad extends RequestPlan {
  /** Callers take the servers in turn. */
  urls: string[];
  /** The first request's number: a run that follows another must not repeat its orders. */
  firstNumber: number;
}

serveLoads<HttpLoad>(async ({ urls, firstNumber, ...plan }, { callers }) => {
  const servers = urls.map((url) => {
    const { hostname, port, host } = new URL(url);
    return { address: { host: hostname, port: Number(port) }, write: writeRequests(plan, host) };
  });
  const serverOf = (caller: number) => servers[caller % servers.length] as (typeof servers)[number];
  const connections = Array.from({ length: callers }, (_, caller) =>
    openConnection(serverOf(caller).address),
  );
  let number = firstNumber;
  return {
    call: (caller) =>
      (connections[caller] as (typeof connections)[number])
        .send(serverOf(caller).write(number++, caller))
        .then(outcomeOf, () => 'broken'),
    async close() {
      for (const connection of connections) connection.close();
    },
  };
});
