import { type Ledger, countProgress } from './ledger';
import type { Show } from './showModel';
import { createPaint, drawBar } from './terminalText';

const everyMs = { terminal: 1_000, plain: 5_000 };
const barColumns = 16;

/** Where progress is written; a terminal gets one line that changes, a file gets a new line now and then. */
export interface ProgressScreen {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** Shows how the show stands until `stop` is called. */
export function showProgress(
  screen: ProgressScreen,
  {
    show,
    ledger,
    startsAtMs,
    nameOf,
  }: { show: Show; ledger: Ledger; startsAtMs: number; nameOf: (sku: string) => string },
): { stop(): void } {
  const paint = createPaint(screen.isTTY === true);
  let lastMoment = -1;

  function announce(elapsedMs: number): string {
    const passed = show.moments.filter(({ atMs }) => atMs <= elapsedMs).length - 1;
    if (passed === lastMoment) return '';
    lastMoment = passed;
    const sku = show.moments[passed]?.sku;
    return sku === undefined ? '' : `  ${paint.accent('三、二、一，上链接!')} ${nameOf(sku)}\n`;
  }

  function draw(): void {
    const elapsedMs = Date.now() - startsAtMs;
    const news = announce(elapsedMs);
    const line = describe(elapsedMs);
    screen.write(screen.isTTY ? `\r\u001b[2K${news}${line}` : `${news}${line}\n`);
  }

  function describe(elapsedMs: number): string {
    const count = countProgress(ledger);
    const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const settled = count.accepted - count.backlog;
    const bar = drawBar(settled, Math.max(1, count.accepted), barColumns).padEnd(barColumns, '·');
    const parts = [
      `offered 下单 ${count.offered}`,
      `accepted 接单 ${count.accepted}`,
      `refused 拒 ${count.refused}`,
      `paid 支付 ${count.paid}`,
      `fulfilling 履约 ${count.fulfilling}`,
      `delivered 送达 ${count.delivered}`,
      `expired 过期 ${count.expired}`,
      `backlog 待办 ${count.backlog}`,
    ];
    return `  ${clock} ${bar} ${parts.join(' · ')}`;
  }

  const timer = setInterval(draw, screen.isTTY ? everyMs.terminal : everyMs.plain);
  draw();
  return {
    stop() {
      clearInterval(timer);
      draw();
      if (screen.isTTY) screen.write('\n');
    },
  };
}
