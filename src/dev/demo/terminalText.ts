const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const heights = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const wide = /[ᄀ-ᅟ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦\u{1f300}-\u{1faff}]/u;
const escapes = /\u001b\[[0-9;]*m/g;

/** Terminal columns that a text takes: a Chinese character takes two, a colour none. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const character of text.replace(escapes, '')) columns += wide.test(character) ? 2 : 1;
  return columns;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - displayWidth(text))) + text;
}

/** A bar of eighth blocks: `value` of `most`, over `columns`. */
export function drawBar(value: number, most: number, columns: number): string {
  const cells = most > 0 ? Math.min(columns, (value / most) * columns) : 0;
  const full = Math.floor(cells);
  return '█'.repeat(full) + (eighths[Math.floor((cells - full) * 8)] ?? '');
}

/** One character for each value. */
export function drawSparkline(values: number[]): string {
  const most = Math.max(1, ...values);
  return values.map((value) => heights[Math.ceil((value / most) * 8)]).join('');
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  accent(text: string): string;
}

/** Colours for a terminal, or none for a file. */
export function createPaint(coloured: boolean): Paint {
  const paint = (code: string) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    bold: paint('1'),
    dim: paint('2'),
    good: paint('32'),
    bad: paint('1;31'),
    warn: paint('33'),
    accent: paint('36'),
  };
}

/** A frame of box characters around lines; a null line is a rule. */
export function drawFrame(title: string, lines: Array<string | null>, columns: number): string {
  const inner = columns - 4;
  const head = `╭─ ${title} ${'─'.repeat(Math.max(0, columns - 5 - displayWidth(title)))}╮`;
  const body = lines.map((line) =>
    line === null ? `├${'─'.repeat(columns - 2)}┤` : `│ ${padEnd(line, inner)} │`,
  );
  return [head, ...body, `╰${'─'.repeat(columns - 2)}╯`].join('\n');
}
