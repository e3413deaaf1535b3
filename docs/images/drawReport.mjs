// Draws a broadcast's report as it stands in the terminal, as an SVG for the README:
//   node docs/images/drawReport.mjs .xianda/reports/<show>.json > docs/images/demo-report.svg
// Needs a build (dist/). Every run of text is pinned to its columns, so that it lines up whatever font shows it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { drawTerminalReport } = require('../../dist/dev/demo/terminalReport.js');
const { displayWidth } = require('../../dist/dev/demo/terminalText.js');

const cell = { width: 8.4, height: 19 };
const margin = 18;
const ground = '#10151c';
const plain = '#d5dbe3';
const colours = { 31: '#ff7b72', 32: '#56d364', 33: '#e3b341', 36: '#57c7d4' };
const eighths = '▏▎▍▌▋▊▉█';
const heights = '▁▂▃▄▅▆▇█';
const frame = {
  '─': [[0, 1, 2, 1]],
  '│': [[1, 0, 1, 2]],
  '├': [[1, 0, 1, 2], [1, 1, 2, 1]],
  '┤': [[1, 0, 1, 2], [0, 1, 1, 1]],
  '╭': [[1, 1, 2, 1], [1, 1, 1, 2]],
  '╮': [[0, 1, 1, 1], [1, 1, 1, 2]],
  '╰': [[1, 0, 1, 1], [1, 1, 2, 1]],
  '╯': [[1, 0, 1, 1], [0, 1, 1, 1]],
};

// what the shop saw stands beside the server's own report
const { shop: report } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const lines = drawTerminalReport(report, { coloured: true }).split('\n');
const columns = Math.max(...lines.map(displayWidth));
const width = Math.ceil(columns * cell.width + 2 * margin);
const height = lines.length * cell.height + 2 * margin;

process.stdout.write(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Report of the demo broadcast">`,
    `<rect width="${width}" height="${height}" rx="10" fill="${ground}"/>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono CJK SC','PingFang SC','Microsoft YaHei',monospace" font-size="14">`,
    ...lines.flatMap((line, row) => drawLine(line, margin + row * cell.height)),
    '</g>\n</svg>\n',
  ].join('\n'),
);

function drawLine(line, top) {
  const shapes = [];
  let style = { fill: plain, bold: false, dim: false };
  let column = 0;
  let run = null;
  let bar = null;
  const endBar = () => {
    if (bar !== null) shapes.push(drawBlock(bar, top));
    bar = null;
  };
  const flush = () => {
    if (run !== null && run.text.trim() !== '') shapes.push(drawText(run, top));
    run = null;
  };
  for (const [part, code] of line.matchAll(/\u001b\[([0-9;]*)m|./gsu)) {
    if (code !== undefined) {
      endBar();
      flush();
      style = styleOf(code, style);
      continue;
    }
    const span = displayWidth(part);
    if (bar !== null && bar.part === part && bar.style === style) {
      bar.cells += 1;
      column += 1;
      continue;
    }
    endBar();
    if (part === '█' || part === '░') {
      flush();
      bar = { part, column, style, cells: 1 };
    } else if (part in frame || eighths.includes(part) || heights.includes(part)) {
      flush();
      shapes.push(drawBlock({ part, column, style, cells: 1 }, top));
    } else {
      if (run !== null && run.span !== span) flush();
      run ??= { text: '', column, span, style };
      run.text += part;
    }
    column += span;
  }
  endBar();
  flush();
  return shapes;
}

/** Codes within one another end together: a reset ends all, as in the terminal. */
function styleOf(code, style) {
  return code.split(';').reduce((now, each) => {
    if (each === '0') return { fill: plain, bold: false, dim: false };
    if (each === '1') return { ...now, bold: true };
    if (each === '2') return { ...now, dim: true };
    return { ...now, fill: colours[each] ?? plain };
  }, style);
}

function drawText({ text, column, span, style }, top) {
  const lead = text.length - text.trimStart().length;
  const shown = text.trim();
  const x = margin + (column + lead * span) * cell.width;
  const length = displayWidth(shown) * cell.width;
  const escaped = shown.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${top + 14}" textLength="${length.toFixed(1)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"${paint(style)}>${escaped}</text>`;
}

/** One cell of a frame, a bar or a sparkline; full blocks that stand together are one shape, without seams. */
function drawBlock({ part, column, style, cells }, top) {
  const x = margin + column * cell.width;
  if (part in frame) {
    const points = (x1, y1) => `${(x + (x1 * cell.width) / 2).toFixed(1)} ${top + (y1 * cell.height) / 2}`;
    const path = frame[part].map(([x1, y1, x2, y2]) => `M${points(x1, y1)}L${points(x2, y2)}`).join('');
    return `<path d="${path}" stroke="#4a5563" fill="none"/>`;
  }
  // a full block counts as a bar, also within a sparkline, where it is the highest column either way
  const part8 = eighths.indexOf(part) + 1;
  const [w, h] =
    part === '░' || part8 > 0
      ? [cell.width * cells * (part8 > 0 ? part8 / 8 : 1), cell.height - 5]
      : [cell.width, ((cell.height - 5) * (heights.indexOf(part) + 1)) / 8];
  const y = top + cell.height - 2.5 - h;
  const faint = part === '░' ? ' fill-opacity="0.3"' : '';
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(w + 0.1).toFixed(1)}" height="${h.toFixed(1)}"${paint(style)}${faint}/>`;
}

function paint({ fill, bold, dim }) {
  return ` fill="${fill}"${bold ? ' font-weight="700"' : ''}${dim ? ' opacity="0.6"' : ''}`;
}
