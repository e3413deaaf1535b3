import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeEmptyShow } from '../../domain/live/emptyShow';
import { computeShowReport, type ShowReport } from '../../domain/live/showReport';
import { drawShowPage } from '../../report/showPage';
import { problemSlug } from '../seed/apiClient';
import type { ShopReport } from './report';
import type { Stage } from './stage';

/** Where a show's report lies, and what the server's own books say is broken. */
export interface ShowFiles {
  page: string;
  json: string;
  /** Opens in a browser for some minutes; absent for a show without orders. */
  link?: string;
  broken: string[];
}

/**
 * Writes `reports/<liveSessionId>.html` and `.json` under the home: the server's report, drawn by the server's own
 * renderer, with what only the shop saw beside it.
 */
export async function writeShowFiles({
  home,
  stage,
  shop,
}: {
  home: string;
  stage: Pick<Stage, 'api' | 'keys'>;
  shop: ShopReport;
}): Promise<ShowFiles> {
  const report = await readReport(stage, shop.liveSessionId);
  const folder = join(home, 'reports');
  mkdirSync(folder, { recursive: true });
  const base = join(folder, shop.liveSessionId);
  writeFileSync(`${base}.json`, `${JSON.stringify({ ...report, shop }, null, 2)}\n`);
  writeFileSync(`${base}.html`, await drawShowPage(report, { shop }));
  return {
    page: pathToFileURL(`${base}.html`).href,
    json: `${base}.json`,
    link: await makeLink(stage, shop.liveSessionId),
    broken: report.verdict.broken.map(({ kind, count }) => `${kind} ${count}`),
  };
}

async function readReport(
  { api, keys }: Pick<Stage, 'api' | 'keys'>,
  liveSessionId: string,
): Promise<ShowReport> {
  const path = `/v1/live-sessions/${liveSessionId}/report`;
  const answer = await api.send('GET', path, { key: keys.ops });
  if (answer.status === 200) return answer.body as ShowReport;
  // a show in which nothing was taken has no order to name it
  if (answer.status === 404)
    return computeShowReport(describeEmptyShow({ liveSessionId, madeAt: new Date().toISOString() }));
  throw new Error(`GET ${path} answered ${answer.status} ${problemSlug(answer)}`);
}

async function makeLink(
  { api, keys }: Pick<Stage, 'api' | 'keys'>,
  liveSessionId: string,
): Promise<string | undefined> {
  const answer = await api.send('POST', `/v1/live-sessions/${liveSessionId}/report-links`, {
    key: keys.ops,
    body: {},
  });
  return answer.status < 300 ? (answer.body as { url: string }).url : undefined;
}
