import { type Ledger, type Progress, countProgress } from './ledger';
import type { Show } from './showModel';
import { createPaint, drawBar, padStart } from './terminalText';

const everyMs = { terminal: 1_000, plain: 5_000 };
const barColumns = 12;
const numberColumns = 9;
/** Below this width the bar is left out, so that the line that changes never wraps. */
const comfortableColumns = 92;

/** Number, Chinese and English heading; none is longer than a column less one. */
const headings: Array<[keyof Progress, string, string]> = [
  ['offered', '下单', 'offered'],
  ['accepted', '接单', 'accepted'],
  ['refused', '拒单', 'refused'],
  ['paid', '支付', 'paid'],
  ['fulfilling', '履约中', 'shipping'],
  ['delivered', '送达', 'arrived'],
  ['expired', '过期', 'expired'],
  ['backlog', '待办', 'open'],
];

/** Where progress is written; a terminal gets one line that changes, a file gets a new line now and then. */
export interface ProgressScreen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

interface ProgressOptions {
  show: Show;
  ledger: Ledger;
  startsAtMs: number;
  nameOf: (sku: string) => string;
}

/** Shows how the show stands until `stop` is called. */
export function showProgress(
  screen: ProgressScreen,
  { show, ledger, startsAtMs, nameOf }: ProgressOptions,
): { stop(): void } {
  const isTerminal = screen.isTTY === true;
  const paint = createPaint(isTerminal);
  const hasBar = !isTerminal || (screen.columns ?? 80) >= comfortableColumns;
  let announced = 0;

  function heading(): string {
    const indent = ' '.repeat(6 + (hasBar ? barColumns : 0));
    const line = (texts: string[]) => indent + texts.map((text) => padStart(text, numberColumns)).join('');
    return paint.dim(
      `\n${line(headings.map(([, chinese]) => chinese))}\n${line(headings.map(([, , english]) => english))}`,
    );
  }

  function announce(elapsedMs: number): string {
    const passed = show.moments.filter(({ atMs }) => atMs <= elapsedMs);
    const news = passed
      .slice(announced)
      .map(({ sku }) => `  ${paint.accent('三、二、一，上链接!')} ${nameOf(sku)}\n`);
    announced = passed.length;
    return news.join('');
  }

  function describe(elapsedMs: number): string {
    const count = countProgress(ledger);
    const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const bar = drawBar(count.accepted - count.backlog, Math.max(1, count.accepted), barColumns).padEnd(
      barColumns,
      '·',
    );
    const numbers = headings.map(([name]) => padStart(String(count[name]), numberColumns)).join('');
    return `${clock.padStart(5)} ${hasBar ? bar : ''}${numbers}`;
  }

  function draw(): void {
    const elapsedMs = Date.now() - startsAtMs;
    const news = announce(elapsedMs);
    screen.write(isTerminal ? `\r\u001b[2K${news}${describe(elapsedMs)}` : `${news}${describe(elapsedMs)}\n`);
  }

  screen.write(`${heading()}\n`);
  draw();
  const timer = setInterval(draw, isTerminal ? everyMs.terminal : everyMs.plain);
  return {
    stop() {
      clearInterval(timer);
      draw();
      if (isTerminal) screen.write('\n');
    },
  };
}
