import { type Bench, type BenchContext, type Measured, readCount } from '../support/bench';
import { closeBooks, expectExactly, expectSound } from '../support/books';
import { askSample, runContest, shareOf, startBare, startGenerator, tellContest } from '../support/contest';
import { describeServers } from '../support/environment';
import { figure } from '../support/figures';
import { seedHotShop } from '../support/hotSku';
import { type StoreServers, withStore } from '../support/servers';

const callers = [64, 256];
const soldOutAnswer = '409 sold-out';

/** A SKU of one unit, which is sold: every order is refused, beside a bare handler that refuses in the same words. */
export const soldOut: Bench = {
  name: 'sold-out',
  summary: 'answers for a SKU with nothing left, as a share of a handler that looks nothing up',
  options: { rounds: { type: 'string' }, seconds: { type: 'string' }, 'warm-up': { type: 'string' } },
  run: (context) => withStore(context, (servers) => measure(servers, context)),
};

async function measure(servers: StoreServers, context: BenchContext): Promise<Measured> {
  const { say } = context;
  const deployment = await servers.deploy('ours');
  await servers.startRole(deployment, 'api');
  const shop = await seedHotShop(deployment, servers, { units: 1 });
  shop.api.close();
  const first = await askSample(deployment, shop, 'first');
  if (first.status !== 201) throw new Error(`the only unit was refused: ${first.body}`);
  const answer = await askSample(deployment, shop, 'second');
  if (answer.status !== 409) throw new Error(`a unit that is not there was sold: ${answer.body}`);
  const load = startGenerator(servers);
  try {
    const ours = {
      name: 'ours',
      urls: [deployment.apiUrl],
      key: shop.channelKey,
      processes: ['ours-api', 'postgres'],
      sent: 0,
      accepted: 0,
    };
    const results = await runContest(
      { servers, load, outcome: soldOutAnswer },
      [ours, await startBare(servers, { kind: 'bare', shop, answer })],
      {
        callers,
        rounds: readCount(context, 'rounds', { otherwise: 5 }),
        seconds: readCount(context, 'seconds', { otherwise: 5 }),
        warmUpSeconds: readCount(context, 'warm-up', { otherwise: 1 }),
        say,
      },
    );
    for (const line of tellContest(results)) say(line);
    await expectExactly(deployment.databaseUrl, 1);
    await closeBooks(deployment.databaseUrl);
    await expectSound(deployment.databaseUrl);
    const shares = callers.map((each) => shareOf(results, ['ours', 'bare'], each) * 100);
    return {
      figures: [
        // the worse of the two
        figure('shareOfBarePercent', Math.min(...shares), { unit: '%', demand: { atLeast: 80 } }),
        ...callers.map((each, index) =>
          figure(`shareOfBarePercent${each}`, shares[index] as number, { unit: '%' }),
        ),
      ],
      environment: await describeServers({ databaseUrl: deployment.databaseUrl }),
    };
  } finally {
    load.close();
  }
}
