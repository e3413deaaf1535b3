const { join } = require('node:path');

/** Which folders under test/ belong to which project; whatever is not named here is `unit`. */
const folders = {
  db: ['db', 'intake', 'dispatch', 'doctor', 'activities'],
  workflows: ['workflows', 'worker'],
  api: ['api'],
  system: ['system'],
  replay: ['replay'],
  architecture: ['architecture'],
};
const withoutServers = ['unit', 'architecture'];

const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2023' },
        // import() stays what it is: some packages are ES modules only
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.xianda/', '<rootDir>/\\.test-stack/'],
};

function project(displayName, testMatch, ignored = []) {
  const support = join(__dirname, 'test', 'support');
  const servers = {
    globalSetup: join(support, 'globalSetup.ts'),
    globalTeardown: join(support, 'globalTeardown.ts'),
    setupFilesAfterEnv: [join(support, 'patience.ts')],
  };
  return {
    ...shared,
    ...(withoutServers.includes(displayName) ? {} : servers),
    displayName,
    testMatch,
    testPathIgnorePatterns: ['/node_modules/', ...ignored],
  };
}

const named = Object.entries(folders).map(([name, list]) =>
  project(
    name,
    list.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  ),
);
const allNamed = Object.values(folders).flat();

module.exports = {
  maxWorkers: 2,
  projects: [
    project('unit', ['<rootDir>/test/**/*.test.ts'], [`<rootDir>/test/(${allNamed.join('|')})/`]),
    ...named,
  ],
};
