// Everything before the program itself: Node's version, dependencies, build. Plain JavaScript without packages,
// because it runs before there are any.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestNode = [20, 19];

/** Brings the clone to where `dist/main.js` can run; does nothing when all is fresh. `say` gets one line a step. */
export async function setUp({ say }) {
  checkNode();
  if (dependenciesAreFresh() && buildIsFresh()) return linkOwnCommand();
  await withLock(say, () => setUpAlone(say));
}

async function setUpAlone(say) {
  if (!dependenciesAreFresh()) {
    checkDisk();
    say('• Installing dependencies (npm ci)');
    await installDependencies();
  }
  linkOwnCommand();
  if (!buildIsFresh()) {
    say('• Building');
    await build();
  }
}

/** Two commands started together must not install or build into the same folders. */
async function withLock(say, work) {
  const lock = join(root, '.setting-up');
  for (let told = false; !tryLock(lock); told = true) {
    if (!told) say('• Waiting for another command that is setting up');
    await new Promise((resume) => setTimeout(resume, 200));
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!holderLives(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function holderLives(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // an empty file is one that is being written
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(
    `Node ${process.versions.node} is too old: Xianda needs ${oldestNode.join('.')} or newer.\n` +
      '→ Install Node 24 (https://nodejs.org or your version manager) and run the command again.',
  );
}

function checkDisk() {
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize >= 1024 ** 3) return;
  throw new Error(
    `Less than 1 GiB is free on the disk of ${root}.\n→ Free some space and run the command again.`,
  );
}

const lockStamp = join(root, 'node_modules', '.xianda-lock');

function hashOf(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function dependenciesAreFresh() {
  return existsSync(lockStamp) && readFileSync(lockStamp, 'utf8') === lockHash();
}

function lockHash() {
  return hashOf(join(root, 'package-lock.json'));
}

async function installDependencies() {
  const result = await runQuietly('npm', [
    'ci',
    '--no-audit',
    '--no-fund',
    '--include=dev',
    '--include=optional',
  ]);
  if (result.code !== 0) {
    throw new Error(
      `npm ci failed:\n${result.tail}\n→ ${adviceFor(result.tail)} Then run the command again.`,
    );
  }
  writeFileSync(lockStamp, lockHash());
}

function adviceFor(output) {
  if (/ENOSPC/.test(output)) return 'The disk is full: free at least 1 GiB.';
  if (/EACCES|EPERM/.test(output)) return `Make ${root} writable for yourself.`;
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|network/i.test(output)) {
    return 'The npm registry cannot be reached: check the network, or set a mirror (npm config set registry …).';
  }
  return 'Read the lines above.';
}

/** npm does not put a package's own command into node_modules/.bin, where `npx xianda` looks first. */
function linkOwnCommand() {
  const link = join(root, 'node_modules', '.bin', 'xianda');
  if (existsSync(link) || process.platform === 'win32') return;
  try {
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync('../../bin/xianda.js', link);
  } catch {
    // a convenience only: `node bin/xianda.js` does the same
  }
}

const stamp = join(root, 'dist', '.built');

/** Whether nothing that the build reads is newer than its end. */
function buildIsFresh() {
  if (!existsSync(stamp) || !existsSync(join(root, 'dist', 'main.js'))) return false;
  const builtAt = statSync(stamp).mtimeMs;
  const inputs = [join(root, 'tsconfig.json'), lockStamp, join(root, 'scripts', 'setUp.mjs')];
  return newest(join(root, 'src')) <= builtAt && inputs.every((file) => statSync(file).mtimeMs <= builtAt);
}

function newest(folder) {
  let latest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return latest;
}

/** Compiles to dist/ and bundles the workflows. */
export async function build() {
  const startedAt = new Date();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  removeStaleOutput();
  const compiled = await runQuietly(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')]);
  if (compiled.code !== 0) throw new Error(`The build failed:\n${compiled.tail}`);
  const bundler = join(root, 'dist', 'worker', 'bundle.js');
  if (existsSync(bundler)) {
    const target = join(root, 'dist', 'worker', 'workflows.bundle.js');
    const program = 'require(process.argv[1]).buildWorkflowBundle(process.argv[2])';
    const bundled = await runQuietly(process.execPath, ['-e', program, bundler, target]);
    if (bundled.code !== 0) throw new Error(`Bundling the workflows failed:\n${bundled.tail}`);
  }
  writeFileSync(stamp, `${startedAt.toISOString()}\n`);
  // what was changed during the build is newer than it
  utimesSync(stamp, startedAt, startedAt);
}

/** What was compiled from a file that is gone would still be found: the compiler never removes anything. */
function removeStaleOutput(folder = join(root, 'dist'), source = join(root, 'src')) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (existsSync(join(source, entry.name))) removeStaleOutput(path, join(source, entry.name));
      else rmSync(path, { recursive: true });
    } else if (/\.js(\.map)?$/.test(entry.name) && entry.name !== 'workflows.bundle.js') {
      if (!existsSync(join(source, entry.name.replace(/\.js(\.map)?$/, '.ts')))) rmSync(path);
    }
  }
}

/** Runs a program with its output kept back; `tail` is the end of it, for when it fails. */
function runQuietly(command, args) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32';
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell });
    let output = '';
    const keep = (text) => {
      output = (output + text).slice(-6000);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (cause) => reject(new Error(`${command} cannot be run (${cause.code}).`, { cause })));
    child.once('close', (code) => resolve({ code, tail: output.trim() }));
  });
}
