import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Written by the build beside the compiled code. */
export const prebuiltBundleFile = join(__dirname, 'workflows.bundle.js');

/** The entry as it lies beside this file: TypeScript under tests, JavaScript after the build. */
export const workflowsEntry = ['js', 'ts']
  .map((extension) => join(__dirname, '..', 'workflows', `index.${extension}`))
  .find((file) => existsSync(file)) as string;

/** Bundles the workflows once, so that no worker's start has to: it costs seconds of CPU. */
export async function buildWorkflowBundle(outFile: string = prebuiltBundleFile): Promise<void> {
  const code = await bundleWorkflows();
  await mkdir(dirname(outFile), { recursive: true });
  // renamed into place, so that a worker never reads half a bundle
  await writeFile(`${outFile}.${process.pid}`, code);
  await rename(`${outFile}.${process.pid}`, outFile);
}

/** The prebuilt bundle when it is newer than every workflow's code, else a fresh one. */
export async function loadWorkflowBundle(file: string = prebuiltBundleFile): Promise<string> {
  if (await isFresh(file)) return readFile(file, 'utf8');
  return bundleWorkflows();
}

async function bundleWorkflows(): Promise<string> {
  const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
  const { code } = await bundleWorkflowCode({ workflowsPath: workflowsEntry, logger: quiet });
  return code;
}

/** Whether the bundle is there and newer than all code it can hold. */
export async function isFresh(file: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  const bundledAt = statSync(file).mtimeMs;
  const folders = ['workflows', 'domain'].map((name) => join(__dirname, '..', name));
  for (const folder of folders) {
    for (const name of await readdir(folder, { recursive: true })) {
      const entry = statSync(join(folder, name));
      if (entry.isFile() && !name.endsWith('.map') && entry.mtimeMs > bundledAt) return false;
    }
  }
  return true;
}
