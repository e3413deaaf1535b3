import type { LoadMessage, LoadRun } from './loadProcess';
import { type Call, runLoop } from './loop';

/** What is called, opened for one run. */
interface Target {
  call: Call;
  close(): Promise<void>;
}

/**
 * Makes this process one that calls: for every run that the bench hands over (`startLoad`), `open` gets what it says
 * of its target, callers call it at the run's pace, and the bench gets the report.
 */
export function serveLoads<Load>(
  open: (load: Load, { callers }: { callers: number }) => Promise<Target>,
): void {
  const tell = (message: LoadMessage) => process.send?.(message);
  process.on('message', (run: LoadRun<Load>) => void work(run));
  // the bench is gone
  process.on('disconnect', () => process.exit());

  async function work({ plan, load }: LoadRun<Load>): Promise<void> {
    try {
      const target = await open(load, plan.pace);
      const report = await runLoop(plan, target.call, {
        measuring: () => tell({ kind: 'measuring' }),
        measured: () => tell({ kind: 'measured' }),
      });
      await target.close();
      tell({ kind: 'report', report });
    } catch (error) {
      tell({ kind: 'failed', reason: (error as Error).stack ?? String(error) });
    }
  }
}
