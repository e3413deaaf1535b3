// Keeps so many callers busy placing orders through one peer, and tells the bench what came of it.

/**
 * `open(databaseUrl)` answers `{ place(orderId), count(), close() }`: `place` resolves once the order is safe,
 * whatever that means for this peer, and throws when it was not taken. The bench sends `{ callers, warmUpSeconds,
 * seconds }`, hears `measuring` and `measured` at both ends of the measured time, and then the report.
 */
export async function sellThrough(open) {
  const shop = await open(process.env.DATABASE_URL);
  process.send({ kind: 'open' });
  const plan = await new Promise((resolve) => process.once('message', resolve));
  const report = await sell(shop, plan);
  report.recorded = await shop.count();
  process.send({ kind: 'report', ...report });
  await shop.close();
  process.disconnect();
}

async function sell(shop, { callers, warmUpSeconds, seconds }) {
  const latencies = [];
  let placed = 0;
  let measuring = false;
  let selling = true;
  const caller = async () => {
    while (selling) {
      const sentAt = performance.now();
      await shop.place(`order-${(placed += 1)}`);
      if (measuring) latencies.push(performance.now() - sentAt);
    }
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  // a caller that fails ends the run at once
  const during = (time) => Promise.race([all, new Promise((resolve) => setTimeout(resolve, time * 1000))]);
  await during(warmUpSeconds);
  process.send({ kind: 'measuring' });
  measuring = true;
  const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
  await during(seconds);
  measuring = false;
  const [elapsedMs, used] = [performance.now() - from, process.cpuUsage(cpuFrom)];
  process.send({ kind: 'measured' });
  selling = false;
  await all;
  const sorted = Float64Array.from(latencies).sort();
  return {
    placed,
    orders: latencies.length,
    seconds: elapsedMs / 1000,
    cpuMs: (used.user + used.system) / 1000,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)],
    p99Ms: sorted[Math.floor(sorted.length * 0.99)],
  };
}
