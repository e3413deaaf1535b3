import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');

export interface SandboxChild {
  url: string;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
}

/** Starts a sandbox in a process of its own and waits until it listens. */
export async function startSandboxChild(
  kind: 'payment' | 'carrier' | 'supplier',
  options: Record<string, unknown>,
): Promise<SandboxChild> {
  const runner = `run${kind[0]?.toUpperCase()}${kind.slice(1)}Sandbox`;
  const script = `require(${JSON.stringify(join(root, `src/sandbox/${kind}/server.ts`))})
    .${runner}(${JSON.stringify({ port: 0, ...options })})
    .then(({ url }) => console.log(url), (error) => { console.error(error.message); process.exit(1); });`;
  const child = spawn(
    process.execPath,
    ['--require', join(root, 'scripts', 'registerTypeScript.cjs'), '--eval', script],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const url = await firstLine(child);
  return {
    url,
    kill: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        child.kill('SIGKILL');
      }),
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolveLine, reject) => {
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout?.once('data', (chunk: Buffer) => resolveLine(chunk.toString().trim()));
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}: ${errors}`)));
  });
}
