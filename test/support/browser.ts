import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The system's Chromium. A missing one is a failure that says what to install, never a skipped test. */
export function openBrowser(): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM, ...places].find(
    (path) => path !== undefined && existsSync(path),
  );
  if (executablePath === undefined) {
    throw new Error(
      `This test opens a page in a real browser, and there is none at ${places.join(', ')}.\n` +
        '→ apt-get install chromium fonts-noto-cjk (as .ci/run does), or name another Chromium in CHROMIUM.',
    );
  }
  // root has no sandbox, as in containers
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

export interface Watched {
  page: Page;
  /** Every address asked for. */
  requests: string[];
  /** What the browser complained of: errors, warnings, what a policy kept out. */
  complaints: string[];
}

/** A new page of which everything it asks for and complains of is kept. */
export async function watchPage(browser: Browser): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, locale: 'zh-CN' });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, requests, complaints };
}
