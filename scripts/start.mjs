// `npm start`: sets up whatever is missing, then is the development stack itself, in this very process, so that
// every signal reaches it. npm passes a signal to the shell between us, which dies of it without telling us: so we
// stop, too, when the chain of processes that started us is broken.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, setUp } from './setUp.mjs';

if (process.env.npm_lifecycle_event !== undefined) stopWithParents();

try {
  await setUp({ say: (line) => console.log(line) });
  process.argv = [process.execPath, join(root, 'dist', 'main.js'), 'dev', ...process.argv.slice(2)];
  createRequire(import.meta.url)(join(root, 'dist', 'main.js'));
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

function stopWithParents() {
  const before = readAncestors();
  const timer = setInterval(() => {
    if (readAncestors() === before) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  timer.unref();
}

/** Our parent (the shell) and its parent (npm). */
function readAncestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
  } catch {
    return String(process.ppid);
  }
}
