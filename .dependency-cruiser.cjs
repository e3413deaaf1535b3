/**
 * The import rule of docs/architecture.md: who may import whom, between layers and from packages. Every layer has
 * one list of what it may import; anything else is an error.
 */

/** Paths within src that files of a layer may import, beside their own layer. */
const layers = {
  domain: [],
  intake: ['^src/domain/', '^src/db/'],
  dispatch: ['^src/domain/', '^src/db/', '^src/workflows/[^/]+/(messages|texts)\\.ts$'],
  workflows: ['^src/domain/[^/]+/(lifecycle|model)\\.ts$'],
  activities: ['^src/domain/', '^src/db/', '^src/clients/'],
  api: ['^src/domain/', '^src/intake/', '^src/db/', '^src/report/', '^src/workflows/[^/]+/messages\\.ts$', '^src/clients/.*[wW]ire\\.ts$', '^src/clients/(webhook/)?signature\\.ts$', '^src/clients/publicAddress\\.ts$'],
  db: ['^src/domain/'],
  // pages for people: values in, HTML out
  report: ['^src/domain/'],
  clients: ['^src/domain/'],
  // a partner imports nothing of the product but the types on the wire and how they are signed
  sandbox: ['^src/clients/.*[wW]ire\\.ts$', '^src/clients/(webhook/)?signature\\.ts$'],
  doctor: ['^src/domain/', '^src/db/', '^src/clients/', '^src/workflows/[^/]+/messages\\.ts$'],
  // shops may take the folder as it is
  sdk: [],
  worker: ['^src/domain/', '^src/db/', '^src/clients/', '^src/activities/', '^src/workflows/'],
};

/** Layers that are handed the configuration and the logger, and that may be watched, by those who start them. */
const configured = ['api', 'dispatch', 'doctor', 'worker', 'intake'];

const layerRules = Object.entries(layers).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  severity: 'error',
  comment: `src/${layer} imports itself${allowed.length > 0 ? ` and ${allowed.join(' ')}` : ' alone'}: move the code to the layer that may, or pass it in.`,
  from: { path: `^src/${layer}/` },
  to: {
    path: '^(src|test|scripts|bin)/',
    pathNot: [`^src/${layer}/`, ...allowed, ...(configured.includes(layer) ? ['^src/(config|log|metrics)\\.ts$'] : [])],
    // workflows know activities by type only
    ...(layer === 'workflows' ? { dependencyTypesNot: ['type-only'] } : {}),
  },
}));

const nobodyBut = (name, packages, folders, instead) => ({
  name: `package-${name}`,
  severity: 'error',
  comment: `${name}: ${instead}`,
  from: { path: '^src/', pathNot: [...folders.map((folder) => `^src/${folder}`), '^src/dev/', '^src/(main|cli)\\.ts$'] },
  to: { path: packages.map((item) => `(^|node_modules/)${item}(/|$)`) },
});

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'workflows-types-of-activities',
      severity: 'error',
      comment: 'Workflows import activities as types only: the values live in the worker.',
      from: { path: '^src/workflows/' },
      to: { path: '^src/', pathNot: ['^src/workflows/', '^src/activities/', '^src/domain/[^/]+/(lifecycle|model)\\.ts$'] },
    },
    {
      name: 'domain-no-package',
      severity: 'error',
      comment: 'The domain imports no package, not even of Node: values in, values out.',
      from: { path: '^src/domain/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'core'] },
    },
    {
      name: 'workflows-packages',
      severity: 'error',
      comment: 'Workflows import @temporalio/workflow and @temporalio/common alone: everything else is bundled and replayed.',
      from: { path: '^src/workflows/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'core'],
        pathNot: ['node_modules/@temporalio/(workflow|common)/'],
      },
    },
    nobodyBut('temporal-client', ['@temporalio/client'], ['dispatch/', 'doctor/', 'api/'], 'only dispatch, doctor, api (schedules) and dev talk to Temporal.'),
    nobodyBut('temporal-worker', ['@temporalio/worker'], ['worker/'], 'only src/worker composes a worker.'),
    nobodyBut('pg', ['pg', 'node-pg-migrate'], ['db/'], 'SQL stands in src/db: add a function there.'),
    nobodyBut('express', ['express', 'helmet', 'compression', 'express-rate-limit'], ['api/', 'sandbox/'], 'HTTP serving stands in src/api and src/sandbox.'),
    nobodyBut('zod', ['zod', '@asteasolutions/zod-to-openapi'], ['api/', 'clients/', 'sandbox/', 'config\\.ts'], 'inside, types are trusted: parse at the edge.'),
    nobodyBut('echarts', ['echarts', 'zrender'], ['report/'], 'charts are drawn in src/report.'),
    nobodyBut('pino', ['pino'], ['log\\.ts'], 'take a Logger from src/log.ts, which redacts.'),
    {
      name: 'clients-not-from-sandbox',
      severity: 'error',
      comment: 'The wire types belong to the client: the sandbox imports them from there.',
      from: { path: '^src/clients/' },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'nobody-imports-composition',
      severity: 'error',
      comment: 'main, dev and doctor put the others together; nobody builds on them.',
      from: { path: '^src/', pathNot: ['^src/(main|cli)\\.ts$', '^src/dev/', '^src/doctor/'] },
      to: { path: ['^src/(main|cli)\\.ts$', '^src/dev/', '^src/doctor/'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A circle has no first file to read: move what both need into a third.',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'src-not-from-tests',
      severity: 'error',
      comment: 'The product does not know its tests, nor packages that only development installs.',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-dev-package',
      severity: 'error',
      comment: 'An image of the product has no devDependencies: move the package to dependencies.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: ['node_modules/@types/'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The import leads nowhere.',
      from: { path: '^(src|test)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^src/.*\\.(sql|json|gz)$'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.d.ts', '.js', '.mjs', '.cjs', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
    reporterOptions: {
      mermaid: { minify: false },
      archi: { collapsePattern: '^src/[^/]+' },
    },
  },
};
