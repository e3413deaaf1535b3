// `npm run check`: everything that can be said of the code without running it. Two checks at a time; what a
// failing one printed follows at the end.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setUp.mjs';

const local = (...path) => join(root, 'node_modules', ...path);
const checks = [
  { name: 'lint', args: [local('eslint', 'bin', 'eslint.js'), '.'] },
  { name: 'types', args: [local('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.check.json'] },
  {
    name: 'import rule',
    args: [
      local('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
      'src',
      'test',
      'bench',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err-long',
    ],
  },
  {
    name: 'format',
    args: [local('@biomejs', 'biome', 'bin', 'biome'), 'ci', '--colors=off', '--max-diagnostics=30', '.'],
  },
  { name: 'dead code', args: [local('knip', 'bin', 'knip.js'), '--no-progress'] },
  { name: 'lock file', args: [join(root, 'scripts', 'lock.mjs'), '--check'] },
  { name: 'generated files', args: [join(root, 'scripts', 'generate.mjs'), '--check'] },
];

try {
  await setUp({ say: (line) => console.log(line) });
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const queue = [...checks];
const failed = [];
await Promise.all([lane(), lane()]);
for (const { name, output } of failed) console.log(`\n── ${name} ──\n${output.trim().slice(0, 20_000)}`);
console.log(`\n${checks.length - failed.length} checks passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);

async function lane() {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    const startedAt = Date.now();
    const { code, output } = await run(check.args);
    if (code !== 0) failed.push({ ...check, output });
    console.log(
      `${code === 0 ? '✔' : '✖'} ${check.name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`,
    );
  }
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (text) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('close', (code) => resolve({ code, output }));
  });
}
