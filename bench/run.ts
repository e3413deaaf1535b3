import { parseArgs } from 'node:util';
import { type Bench, BenchRefusal, type Measured } from './support/bench';
import { formatEnvironment } from './support/environment';
import { formatFigures } from './support/table';
import { intakeHttp } from './intakeHttp/intakeHttp';
import { intakeOpen } from './intakeOpen/intakeOpen';
import { intakeProcess } from './intakeProcess/intakeProcess';
import { isolation } from './isolation/isolation';
import { orderLives } from './orderLives/orderLives';
import { charts } from './charts/charts';
import { growth } from './growth/growth';
import { flash } from './flash/flash';
import { payments } from './payments/payments';
import { peers } from './peers/peers';
import { scaling } from './scaling/scaling';
import { soldOut } from './soldOut/soldOut';
import { stream } from './stream/stream';
import { waiting } from './waiting/waiting';

const benches: readonly Bench[] = [
  orderLives,
  waiting,
  intakeProcess,
  intakeHttp,
  intakeOpen,
  soldOut,
  growth,
  flash,
  isolation,
  peers,
  scaling,
  charts,
  payments,
  stream,
];

const commonOptions = {
  data: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Exit codes of `npm run bench`. */
const exit = { met: 0, missed: 1, couldNotRun: 2 };

/** Runs the bench that the arguments name and answers the exit code: 0 every bar met, 1 one missed, 2 not run. */
export async function runBench(argv: readonly string[]): Promise<number> {
  const name = argv[0]?.startsWith('-') === false ? argv[0] : undefined;
  const bench = benches.find((each) => each.name === name);
  if (bench === undefined) return explainNames(name);
  const quiet = argv.includes('--json');
  const say = (line: string) => (quiet ? process.stderr : process.stdout).write(`${line}\n`);
  try {
    const options = readOptions(bench, argv.slice(1));
    if (options.help === true) return describeOptions(bench);
    const measured = await bench.run({ say, options });
    for (const line of [
      '',
      ...formatFigures(measured.figures),
      '',
      ...formatEnvironment(measured.environment),
      '',
    ]) {
      say(line);
    }
    process.stdout.write(`${closingLine(bench, measured)}\n`);
    return measured.figures.some(({ ok }) => ok === false) ? exit.missed : exit.met;
  } catch (error) {
    const told = error instanceof BenchRefusal ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`\n${bench.name} could not run: ${told}\n`);
    return exit.couldNotRun;
  }
}

/** What programs read: one line of JSON, the last one on stdout. */
export function closingLine({ name }: Pick<Bench, 'name'>, { figures, environment }: Measured): string {
  return JSON.stringify({ bench: name, figures, environment });
}

function readOptions({ name, options = {} }: Bench, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...options, ...commonOptions }, allowPositionals: false })
      .values;
  } catch (error) {
    throw new BenchRefusal(`${(error as Error).message}\nIts options: npm run bench -- ${name} --help`);
  }
}

function describeOptions({ name, summary, options = {} }: Bench): number {
  const known = Object.entries({ ...options, ...commonOptions });
  const words = known.map(([option, { type }]) => `[--${option}${type === 'string' ? ' VALUE' : ''}]`);
  process.stdout.write(`${name}: ${summary}\n  npm run bench -- ${name} ${words.join(' ')}\n`);
  return exit.met;
}

function explainNames(name: string | undefined): number {
  const list = benches.map((each) => `  ${each.name.padEnd(16)}${each.summary}`).join('\n');
  if (name === undefined) {
    process.stdout.write(`npm run bench -- NAME [--data DIR] [--json]\n${list}\n`);
    return exit.met;
  }
  process.stderr.write(`There is no bench called ${name}. There are:\n${list}\n`);
  return exit.couldNotRun;
}
