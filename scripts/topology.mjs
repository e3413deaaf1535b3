// `npm run topology`: docker-compose.yml without containers, until Ctrl-C. `npm run topology -- test` runs the system
// test on it: starts it in a folder of its own, has the test kill what it likes, and stops it.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { root, setUp } from './setUp.mjs';

try {
  await setUp({ say: (line) => console.log(line) });
  process.exit(process.argv[2] === 'test' ? await testTopology() : await serveTopology());
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

function serveTopology() {
  const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  const { runTopology } = createRequire(import.meta.url)(join(root, 'dist', 'dev', 'topology', 'run.js'));
  return runTopology(compose);
}

async function testTopology() {
  const parent = mkdtempSync(join(tmpdir(), 'xianda-topology-'));
  // PostgreSQL runs as another user, who must be able to walk in
  chmodSync(parent, 0o755);
  const home = join(parent, 'home');
  // the holds of unpaid orders end while the test looks on
  const env = { ...process.env, XIANDA_HOME: home, PAYMENT_WINDOW_SECONDS: '6' };
  const topology = spawn(process.execPath, [fileURLToPath(import.meta.url)], { env, stdio: 'inherit' });
  const ended = new Promise((resolve) => topology.once('exit', (code) => resolve(code ?? 1)));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => topology.kill(signal));
  try {
    while (!existsSync(join(home, 'dev.json'))) {
      if (topology.exitCode !== null) return 1;
      await sleep(200);
    }
    return await runSystemTest({ ...process.env, XIANDA_TEST_STACK: home });
  } finally {
    topology.kill('SIGTERM');
    await ended;
    rmSync(parent, { recursive: true, force: true });
  }
}

/** The suite that kills each process under load; it stops the topology itself at its end. */
function runSystemTest(env) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [jest, '--selectProjects', 'system', '--runInBand', 'test/system/faults.test.ts'];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
