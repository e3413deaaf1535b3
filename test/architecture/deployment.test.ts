import { type Deployment, findComplaints, readDeployment, readProduction } from '../support/deployment';
import { interpolate, parseDuration, startOrder } from '../../src/dev/topology/compose';

const files = readDeployment();

test('image, compose file and their settings fit the code', () => {
  expect(findComplaints(files)).toEqual([]);
});

test('the settings of the compose file start production', () => {
  expect(readProduction(files.compose, files.envExample)).toMatchObject({
    mode: 'production',
    databaseUrl: expect.stringContaining('@postgres:5432/xianda'),
    temporalAddress: 'temporal:7233',
    metricsPort: 9464,
  });
});

/** Each break, and what must be said of it. A checker that overlooks one proves nothing. */
const breaks: [what: string, file: keyof Deployment, from: string | RegExp, to: string, complaint: RegExp][] =
  [
    [
      'a misspelt setting',
      'compose',
      'PERSONAL_DATA_KEYS: $',
      'PERSONAL_DATA_KEY: $',
      /PERSONAL_DATA_KEY, which is no setting/,
    ],
    [
      'a required setting left out',
      'compose',
      /\n    PUBLIC_URL:.*/,
      '',
      /would not start without PUBLIC_URL/,
    ],
    ['a new setting forgotten', 'compose', /\n    LOG_LEVEL:.*info\}/, '', /not given LOG_LEVEL/],
    ['a variable nobody lists', 'compose', '${LOG_LEVEL:-info}', '${LOGLEVEL:-info}', /leaves out LOGLEVEL/],
    ['a variable nobody uses', 'envExample', 'LOG_LEVEL=', 'LOGLEVEL=', /LOGLEVEL, which nothing uses/],
    ['a variable without a word', 'envExample', /# trace, debug.*\n/, '\n', /does not explain LOG_LEVEL/],
    [
      'a default secret',
      'compose',
      '${PLATFORM_KEY:?set PLATFORM_KEY}',
      '${PLATFORM_KEY:-secret}',
      /PLATFORM_KEY could be left out/,
    ],
    [
      'a secret in the example',
      'envExample',
      'POSTGRES_PASSWORD=',
      'POSTGRES_PASSWORD=postgres',
      /POSTGRES_PASSWORD has a value/,
    ],
    [
      'a command that is none',
      'compose',
      'command: [worker]',
      'command: [workers]',
      /xianda workers is no command/,
    ],
    ['an option that is none', 'compose', '--every', '--each', /xianda doctor --each 300 is no command/],
    ['a port where nobody listens', 'compose', ':8080:8080', ':8080:8081', /where nobody listens/],
    [
      'a port for everybody',
      'compose',
      "'127.0.0.1:8233:8080'",
      "'8233:8080'",
      /publishes 8233:8080 to everybody/,
    ],
    [
      'a health check by another way',
      'compose',
      'dist/main.js, health',
      'dist/main.js, healthz',
      /not asked for its health/,
    ],
    [
      'a role killed while it drains',
      'compose',
      'stop_grace_period: 30s\n  read',
      'stop_grace_period: 20s\n  read',
      /killed before it has drained/,
    ],
    [
      'roles before the schema',
      'compose',
      'migrate: { condition: service_completed_successfully }',
      'migrate: { condition: service_started }',
      /does not wait/,
    ],
    [
      'a migration that never ends',
      'compose',
      'restart: on-failure:5\n    command: [migrate]',
      'restart: unless-stopped\n    command: [migrate]',
      /started again for ever/,
    ],
    [
      'a service without limits',
      'compose',
      /(command: \[api\][\s\S]*?)deploy:.*\n/,
      '$1\n',
      /api has no limits/,
    ],
    [
      'a mount that is not there',
      'compose',
      './deploy/temporal-dynamic.yaml',
      './deploy/temporal.yaml',
      /mounts .*, which is not there/,
    ],
    [
      'a source that is not there',
      'dockerfile',
      'COPY src src',
      'COPY source src',
      /copies source, which is not in the tree/,
    ],
    ['a source kept out', 'dockerignore', 'docs', 'docs\nscripts', /keeps scripts out of the build/],
    ['no migrations', 'dockerfile', /COPY --from=build \/app\/src.*/, '', /no migrations/],
    ['root', 'dockerfile', 'USER node', 'USER root', /runs as root/],
    [
      'a shell before node',
      'dockerfile',
      'ENTRYPOINT ["node", "dist/main.js"]',
      'ENTRYPOINT node dist/main.js',
      /signals/,
    ],
    ['another port exposed', 'dockerfile', 'EXPOSE 8080 9464', 'EXPOSE 8080', /exposes other ports/],
    [
      'a health check that is no command',
      'dockerfile',
      '"dist/main.js", "health"]',
      '"dist/main.js", "heath"]',
      /not asked for its health/,
    ],
    [
      'a setting without a word',
      'operations',
      '| `METRICS_PORT`',
      '| `METRIC_PORT`',
      /does not explain METRICS_PORT/,
    ],
  ];

test.each(breaks)('%s is found', (_what, file, from, to, complaint) => {
  const broken = { ...files, [file]: files[file].replace(from, to) };
  expect(broken[file]).not.toBe(files[file]);
  expect(findComplaints(broken).join('\n')).toMatch(complaint);
});

test('variables are filled in as compose does', () => {
  const text = 'a ${A:-1} $$b ${C:?must} ${D}';
  expect(interpolate(text, { A: '', C: 'c' })).toBe('a 1 $b c ');
  expect(() => interpolate(text, {})).toThrow('C is not set: must');
  expect(() => interpolate('$name', {})).toThrow('no variable that we write');
});

test('services start after those they depend on', () => {
  const on = (...names: string[]) => ({
    depends_on: Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' as const }])),
  });
  expect(startOrder({ api: on('db'), db: {} })).toEqual(['db', 'api']);
  expect(() => startOrder({ a: on('b'), b: on('a') })).toThrow('circle');
  expect(() => startOrder({ a: on('b') })).toThrow('no service');
  expect(parseDuration('1m30s')).toBe(90);
});
