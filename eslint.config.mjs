import tseslint from 'typescript-eslint';

const longFiles = {
  'max-lines': ['error', { max: 400 }],
  'max-lines-per-function': ['error', { max: 70 }],
};

const purely =
  'The domain is arithmetic: it takes instants, random bytes and data as arguments and gives values back.';

/** What would make a decision depend on anything but its arguments; each ban says what to write instead. */
const impure = {
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: `Take the instant as an argument (now: Date). ${purely}` },
    { object: 'Math', property: 'random', message: `Take the drawn number as an argument. ${purely}` },
    {
      object: 'performance',
      property: 'now',
      message: `Take the instant as an argument (now: Date). ${purely}`,
    },
  ],
  'no-restricted-globals': [
    'error',
    ...[
      ['process', 'Take the setting as an argument; src/config.ts reads the environment.'],
      ['fetch', 'Call partners from src/clients, within an activity.'],
      ['setTimeout', 'Workflows wait; give them the instant to wait for.'],
      ['setInterval', 'Loops belong to src/dispatch.'],
      ['setImmediate', 'Workflows wait; give them the instant to wait for.'],
      ['queueMicrotask', 'Workflows wait; give them the instant to wait for.'],
      ['console', 'Give the finding back as a value; the caller logs it.'],
      ['crypto', 'Take the id or digest as an argument.'],
      ['Buffer', 'Take and give strings and numbers.'],
      ['require', 'Import at the top of the file.'],
      ['globalThis', 'Take what is needed as an argument.'],
    ].map(([name, instead]) => ({ name, message: `${instead} ${purely}` })),
  ],
  'no-restricted-syntax': [
    'error',
    {
      selector: ':function[async=true]',
      message: `Load in an activity, then call this with the values. ${purely}`,
    },
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0]",
      message: `Take the instant as an argument (now: Date). ${purely}`,
    },
    {
      selector: "CallExpression[callee.name='Date']",
      message: `Take the instant as an argument (now: Date). ${purely}`,
    },
    {
      selector: 'AwaitExpression',
      message: `Load in an activity, then call this with the values. ${purely}`,
    },
    { selector: 'ImportExpression', message: `Import at the top of the file. ${purely}` },
  ],
};

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      '.xianda/**',
      '.xianda-topology/**',
      '.test-stack/**',
      'coverage/**',
      'docs/generated/**',
      'src/sdk/api.d.ts',
    ],
  },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { prefer: 'type-imports', fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-fallthrough': 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['src/**/*.ts', 'bench/**/*.ts'], rules: longFiles },
  { files: ['src/dev/seed/*Shelves.ts'], rules: { 'max-lines': 'off' } },
  { files: ['src/domain/**/*.ts'], rules: impure },
  {
    // replayed code: the SDK replaces clocks and timers there, but not what follows
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        {
          name: 'process',
          message: 'Take the setting from the start arguments: a replay must not see another one.',
        },
        { name: 'fetch', message: 'Call partners from an activity.' },
        { name: 'console', message: 'Use log from @temporalio/workflow, which is silent in a replay.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: [
      'src/config.ts',
      'src/main.ts',
      'src/cli.ts',
      'src/dev/**',
      'src/domain/**',
      'src/workflows/**',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'src/config.ts alone reads the environment: take a Config field.',
        },
      ],
    },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/switch-exhaustiveness-check': 'off' } },
);
