/**
 * Of several event loops, of which each request needs all, the time that the busiest has worked: how near the process
 * is to what it can do. Each is asked for the milliseconds that it has worked so far.
 */
export function busiestOf(loops: readonly (() => number)[]): () => number {
  let seen = loops.map((worked) => worked());
  let totalMs = 0;
  return () => {
    const now = loops.map((worked) => worked());
    totalMs += Math.max(...now.map((worked, index) => worked - (seen[index] ?? 0)));
    seen = now;
    return totalMs;
  };
}
