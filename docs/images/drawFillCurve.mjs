// Draws docs/images/presale-fill.svg: one campaign as its hourly aggregation saw it, by the product's own projection.
//   node scripts/build.mjs && node docs/images/drawFillCurve.mjs
// The campaign and the five before it are made up; everything that is drawn of the projection is computed.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { projectCampaign } = require('../../dist/domain/presale/aggregate.js');

const hours = 15 * 24;
const quota = 400;
/** Share sold after a share of the time: a rush at the start, one before the end. */
const fill = (x, rush) => rush * (1 - Math.exp(-9 * x)) + (1 - rush) * (0.6 * x + 0.4 * x ** 8);
const earlierAt = (x) =>
  [0.3, 0.34, 0.42, 0.38, 0.47].map((rush, index) => ({
    filled: fill(x, rush) / fill(1, rush),
    sellThrough: [0.72, 0.81, 0.66, 0.9, 0.78][index],
    weight: index === 4 ? 0.5 : 1,
  }));
const soldAt = (x) => Math.round((312 * fill(x, 0.4)) / fill(1, 0.4));
const project = (at, earlier) =>
  projectCampaign(
    {
      opensAt: 0,
      closesAt: hours,
      earlier,
      regions: [{ region: 'east', quota, committed: soldAt(at / hours), held: 0 }],
    },
    at,
  )[0];

const ticks = Array.from({ length: hours / 6 + 1 }, (_, index) => index * 6);
const taught = ticks.map((at) => ({ at, ...project(at, earlierAt(at / hours)) }));
const alone = ticks.map((at) => ({ at, ...project(at, []) }));

const frame = { left: 56, top: 24, width: 640, height: 300 };
const x = (at) => (frame.left + (at / hours) * frame.width).toFixed(1);
const y = (units) => (frame.top + frame.height - (units / quota) * frame.height).toFixed(1);
const line = (rows, field) =>
  rows.map((row, index) => `${index ? 'L' : 'M'}${x(row.at)} ${y(row[field])}`).join('');
const band = (rows) => `${line(rows, 'high')}${line([...rows].reverse(), 'low').replace('M', 'L')}Z`;
const text = (at, units, words, anchor = 'end', fill_ = '#555') =>
  `<text x="${at}" y="${units}" text-anchor="${anchor}" fill="${fill_}">${words}</text>`;
const grid = [0, 100, 200, 300, 400].map(
  (units) =>
    `<path d="M${frame.left} ${y(units)}h${frame.width}" stroke="#e3e3e3"/>${text(frame.left - 8, Number(y(units)) + 4, units)}`,
);
const days = [0, 3, 6, 9, 12, 15].map((day) =>
  text(x(day * 24), frame.top + frame.height + 18, `day ${day}`, 'middle'),
);
const legend = [
  ['#2f6f4f', 'paid'],
  ['#c2571a', 'projected to the close, with 5 earlier campaigns; band: four times in five'],
  ['#8a8a8a', 'the same without any earlier campaign'],
].map(
  ([colour, words], index) =>
    `<path d="M${frame.left + 4} ${352 + 18 * index}h22" stroke="${colour}" stroke-width="2.5"${index === 2 ? ' stroke-dasharray="4 4"' : ''}/>${text(frame.left + 34, 356 + 18 * index, words, 'start')}`,
);
writeFileSync(
  new URL('presale-fill.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 404" width="720" height="404" font-family="system-ui, sans-serif" font-size="12">
<title>How a presale campaign of 400 units filled up, and what each tick projected</title>
<rect width="720" height="404" fill="#fff"/>
${grid.join('\n')}
<path d="${band(taught)}" fill="#f4c9a8" fill-opacity="0.6"/>
<path d="${line(alone, 'low')}${line(alone, 'high')}" fill="none" stroke="#b5b5b5" stroke-dasharray="2 4"/>
<path d="${line(alone, 'units')}" fill="none" stroke="#8a8a8a" stroke-dasharray="4 4"/>
<path d="${line(taught, 'units')}" fill="none" stroke="#c2571a" stroke-width="2"/>
<path d="${line(taught, 'committed')}" fill="none" stroke="#2f6f4f" stroke-width="2.5"/>
${days.join('\n')}
${legend.join('\n')}
</svg>
`,
);
for (const day of [0, 1, 3, 7.5, 12, 15]) {
  const row = taught.find(({ at }) => at === day * 24);
  const bare = alone.find(({ at }) => at === day * 24);
  console.log(
    day,
    row.committed,
    `${row.units} (${row.low}–${row.high})`,
    `${bare.units} (${bare.low}–${bare.high})`,
  );
}
