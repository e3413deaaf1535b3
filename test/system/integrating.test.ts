import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestStack, startStack } from '../support/stack';

jest.setTimeout(240_000);

let stack: TestStack;
let folder: string;
beforeAll(async () => {
  stack = await startStack({ env: { SANDBOX_CARRIER_AUTO: 'on' } });
  // the guide is read beside `.xianda`, where `npm start` keeps everything
  folder = mkdtempSync(join(tmpdir(), 'xianda-guide-'));
  symlinkSync(stack.home, join(folder, '.xianda'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stack.erase();
});

/** The shell blocks of one section of a guide, in their order. */
function commandsOf(heading: string): string {
  const guide = readFileSync(join(__dirname, '..', '..', 'docs', 'integrating.md'), 'utf8');
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
}

function runInBash(script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const bash = spawn('bash', ['-euo', 'pipefail'], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text: string) => (output += text);
    bash.stdout.setEncoding('utf8').on('data', keep);
    bash.stderr.setEncoding('utf8').on('data', keep);
    bash.once('error', reject);
    bash.once('close', (code) => resolve({ code, output }));
    bash.stdin.end(script);
  });
}

test('whoever follows the guide word by word gets a delivered order', async () => {
  const script = commandsOf('Your first order in five minutes');
  const { code, output } = await runInBash(script);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toContain('the same answer');
  expect(output).toContain('urn:xianda:problem:sold-out');
  expect(output).toMatch(/^204$/m);
  expect(output).toMatch(/^\S+Z delivered$/m);
  expect(output).toMatch(/^chilled delivered \S{6,}$/m);
});
