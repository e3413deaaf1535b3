import type { ParseArgsConfig } from 'node:util';
import type { Environment } from './environment';
import type { Figure } from './figures';

/** One thing that is measured, against a bar or against another design. */
export interface Bench {
  name: string;
  /** One line for the list: what is measured, against what. */
  summary: string;
  /** Beside --data, --json and --help, which every bench has. */
  options?: NonNullable<ParseArgsConfig['options']>;
  run(context: BenchContext): Promise<Measured>;
}

export interface BenchContext {
  /** A line of progress or of a table; on stderr under --json. */
  say(line: string): void;
  /** What was given for the bench's own options. */
  options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
}

export interface Measured {
  figures: Figure[];
  environment: Environment;
}

/** A bench that cannot run as it was asked to: told in one sentence, exit code 2. */
export class BenchRefusal extends Error {
  override name = 'BenchRefusal';
}

/** A whole number of at least `least` out of an option, or what counts when it was left out. */
export function readCount(
  { options }: Pick<BenchContext, 'options'>,
  name: string,
  { otherwise, least = 1 }: { otherwise: number; least?: number },
): number {
  const text = options[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new BenchRefusal(`--${name} is a whole number of at least ${least}.`);
}

/** Whole numbers of at least 1 with commas between them, out of an option; none when it was left out. */
export function readCounts({ options }: Pick<BenchContext, 'options'>, name: string): number[] {
  const text = options[name];
  if (typeof text !== 'string') return [];
  const values = text.split(',').map(Number);
  if (values.every((value) => Number.isSafeInteger(value) && value >= 1)) return values;
  throw new BenchRefusal(`--${name} is whole numbers of at least 1, with commas between them.`);
}
