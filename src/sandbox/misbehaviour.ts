import { z } from 'zod';

/** What the answer to a request can suffer. */
const answerBehaviours = ['slow', 'status500', 'status429', 'dropAnswer', 'garbage', 'refuse'] as const;
/** What a callback can suffer; `slow` and `garbage` exist on both sides. */
const notifyBehaviours = ['slow', 'garbage', 'duplicate', 'shuffle', 'neverCallBack'] as const;
const behaviour = z.enum([
  ...answerBehaviours,
  'duplicate',
  'shuffle',
  'neverCallBack',
  'processing',
  'none',
]);
type Behaviour = z.infer<typeof behaviour>;

const notifyRoute = 'notify';

/** The body of `POST /v1/control`, for a server with these routes. */
export function createControlSchema(routes: [string, ...string[]]) {
  return z
    .strictObject({
      route: z.enum([...routes, notifyRoute]).optional(),
      behaviour: behaviour.optional(),
      count: z.int().min(1).max(1_000_000).optional(),
      delayMs: z.int().min(0).max(3_600_000).optional(),
      seed: z.int().min(0).optional(),
    })
    .refine(({ route, behaviour: asked }) => asked === undefined || fits(asked, route), {
      path: ['route'],
      message: 'this behaviour does not exist on this route',
    });
}

function fits(asked: Behaviour, route: string | undefined): boolean {
  if (asked === 'none' || route === undefined) return true;
  if (asked === 'processing') return route === 'refund';
  const known: readonly Behaviour[] = route === notifyRoute ? notifyBehaviours : answerBehaviours;
  return known.includes(asked);
}

interface Rule {
  route?: string;
  behaviour: Behaviour;
  /** How often it still happens; without end when absent. */
  count?: number;
  delayMs?: number;
}

/** The misbehaviour asked for at present. It lives in memory: a restarted partner behaves well again. */
export interface Misbehaviour {
  ask(rule: { route?: string; behaviour?: Behaviour; count?: number; delayMs?: number; seed?: number }): void;
  clear(): void;
  rules(): Rule[];
  /** The rule that applies here and now, used up by one; undefined where the server is to behave. */
  take(route: string, behaviours: readonly Behaviour[]): Rule | undefined;
  /** Uniform in [0, 1), from the seed: the same seed shuffles the same way. */
  random(): number;
}

/** Remembers what was asked; a rule without a route applies wherever its behaviour makes sense. */
export function createMisbehaviour(): Misbehaviour {
  let rules: Rule[] = [];
  let random = seededRandom(1);

  return {
    ask({ route, behaviour: asked, count, delayMs, seed }) {
      if (seed !== undefined) random = seededRandom(seed);
      if (asked === undefined) return;
      rules =
        asked === 'none'
          ? rules.filter((rule) => route !== undefined && rule.route !== route)
          : rules.filter((rule) => rule.route !== route || rule.behaviour !== asked);
      if (asked !== 'none') rules.push({ route, behaviour: asked, count, delayMs });
    },
    clear() {
      rules = [];
    },
    rules: () => rules.map((rule) => ({ ...rule })),
    take(route, behaviours) {
      const rule = rules.find(
        (each) =>
          behaviours.includes(each.behaviour) &&
          (each.route ?? route) === route &&
          fits(each.behaviour, route),
      );
      if (rule?.count !== undefined) {
        rule.count -= 1;
        if (rule.count === 0) rules = rules.filter((each) => each !== rule);
      }
      return rule;
    },
    random: () => random(),
  };
}

/** mulberry32, public domain: small, and good enough to shuffle with. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
