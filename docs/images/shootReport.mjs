// Takes the pictures of a show's report for the READMEs, in both languages, with the system's Chromium:
//   node docs/images/shootReport.mjs .xianda/reports/<show>.html
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const folder = dirname(fileURLToPath(import.meta.url));
const clip = { x: 0, y: 0, width: 900, height: 1180 };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage({ viewport: { width: clip.width, height: clip.height } });
await page.goto(pathToFileURL(resolve(process.argv[2])).href);
for (const [language, label] of [
  ['zh', '中文'],
  ['en', 'English'],
]) {
  await page.getByText(label, { exact: true }).click();
  await page.screenshot({ path: join(folder, `show-report.${language}.png`), clip });
}
await browser.close();
