import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runApi } from '../../src/api/server';
import { drawPort } from '../../src/dev/ports';
import { runDispatch } from '../../src/dispatch/run';
import { keepWatch } from '../../src/doctor/keepWatch';
import { createLogger } from '../../src/log';
import { runWorker } from '../../src/worker/run';
import { expectCoherent } from '../support/expectCoherent';
import { type AlertRule, type Scrape, anchorOf, findExpressionFaults, readScrape } from '../support/alerts';
import { type Stage, bundleFile, eventually, openStage } from './support/stage';

const docs = join(__dirname, '..', '..', 'docs');
const { groups } = parse(readFileSync(join(docs, 'alerts.yml'), 'utf8')) as {
  groups: { rules: AlertRule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

let stage: Stage;
let scrape: Scrape;

/** Every role as it runs in production, on one stage, and what a scrape of each shows. */
beforeAll(async () => {
  stage = await openStage();
  const ports = {
    api: await drawPort(),
    worker: await drawPort(),
    dispatch: await drawPort(),
    doctor: await drawPort(),
  };
  const config = (role: keyof typeof ports) => ({ ...stage.config, metricsPort: ports[role] });
  const api = await runApi(config('api'), { port: 0, log: createLogger({ role: 'api', level: 'silent' }) });
  const roles = [
    api,
    await runWorker(config('worker'), { bundleFile }),
    await runDispatch(config('dispatch')),
    await keepWatch(config('doctor'), { everySeconds: 300 }),
  ];
  const answer = await fetch(`${api.url}/v1/orders`, { method: 'POST' });
  expect(answer.status).toBe(401);
  const read = async () => {
    const urls = Object.values(ports).map((port) => `http://127.0.0.1:${port}/metrics`);
    return readScrape(await Promise.all(urls.map(async (url) => (await fetch(url)).text())));
  };
  // a request is counted once its connection says that it is over
  await eventually(async () => (scrape = await read()).has('xianda_http_request_seconds_count'));
  await Promise.all(roles.map((role) => role.close()));
}, 90_000);
afterAll(async () => {
  await expectCoherent(stage.database);
  await stage.close();
});

test('there are twelve alerts, each with its reason, its severity and where it says what to do', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(12);
  const operations = readFileSync(join(docs, 'operations.md'), 'utf8');
  const anchors = [...operations.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
  for (const { alert, for: duration, labels, annotations = {} } of rules) {
    expect(duration).toMatch(/^\d+m$/);
    expect(['page', 'ticket']).toContain(labels?.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(annotations.why).toMatch(/\.$/);
    expect(annotations.action).toBe(`docs/operations.md#alert-${alert.toLowerCase()}`);
    expect(anchors).toContain(annotations.action?.split('#')[1]);
  }
});

test('every metric and label of the rules is in a real scrape', () => {
  expect(
    rules.flatMap(({ alert, expr }) =>
      findExpressionFaults(expr, scrape).map((fault) => `${alert}: ${fault}`),
    ),
  ).toEqual([]);
});

test.each<[what: string, expr: string, fault: RegExp]>([
  ['a misspelt metric', 'max(xianda_outbox_backlog) > 60', /xianda_outbox_backlog is in no scrape/],
  ['a label that is none', 'max(xianda_database_connections{status="busy"}) > 1', /no status="busy"/],
  ['a value that never comes', 'max(xianda_database_connections{state="working"}) > 1', /no state="working"/],
  [
    'a grouping by nothing',
    'max by (tenant) (xianda_outbox_backlog_seconds) > 1',
    /nothing has the label tenant/,
  ],
  ['a counter taken as it is', 'sum(xianda_http_request_seconds_count) > 1', /take its rate/],
  ['a rate of what goes up and down', 'rate(xianda_outbox_backlog_seconds[5m]) > 1', /no rate/],
  ['a rate without a range', 'rate(xianda_http_request_seconds_count) > 1', /wants a range/],
  ['a function that is none', 'maximum(xianda_outbox_backlog_seconds) > 1', /maximum is no word/],
  ['a bracket too few', 'max(xianda_outbox_backlog_seconds > 1', /brackets do not match/],
  ['no metric', 'time() > 1', /looks at nothing/],
])('%s is found', (_what, expr, fault) => {
  expect(findExpressionFaults(expr, scrape).join('\n')).toMatch(fault);
});
