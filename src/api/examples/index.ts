import { delivering } from './delivering';
import { listening, told } from './listening';
import type { Example } from './model';
import { planning } from './planning';
import { selling } from './selling';
import { settingUp } from './settingUp';

export type { Example } from './model';

/** One brand's first show, request by request: each builds on those before it. */
export const examples: readonly Example[] = [
  ...settingUp,
  ...listening,
  ...selling,
  ...delivering,
  ...planning,
  ...told,
];

export function examplesOf({ method, path }: { method: string; path: string }): Example[] {
  return examples.filter(({ route }) => route === `${method.toUpperCase()} ${path}`);
}
