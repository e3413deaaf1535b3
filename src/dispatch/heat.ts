import type { Round } from './loop';

/** What one look at PostgreSQL tells about the burst that is being taken in. */
export interface Look {
  /** Messages ever written, by whichever process. */
  written: number;
  /** How long PostgreSQL took to say so. */
  answerMs: number;
}

/** How hot intake is, as seen from PostgreSQL: no process tells another. */
export interface Heat {
  /** 0: nothing that starts could disturb · 1: every processor belongs to the buyers' answers. */
  readonly level: number;
  /** Messages written a second, lately. */
  readonly perSecond: number;
  look(look: Look): void;
}

/** Written a second: an ordinary evening, and a burst. A machine of two cores starts some 150 workflows a second. */
const calm = { perSecond: 100, answerMs: 50 };
const burst = { perSecond: 300, answerMs: 250 };
/** What was seen counts half after so long: a burst comes in waves, and is over within seconds. */
const halvedAfterMs = 500;

/**
 * Rises at once with what is written and falls within seconds after it. PostgreSQL that takes a quarter of a second for
 * the cheapest of questions is as good a sign: refusals write nothing, and they cost processors too.
 */
export function createHeat({ now = () => performance.now() }: { now?: () => number } = {}): Heat {
  let last: { written: number; at: number } | undefined;
  let perSecond = 0;
  let answerMs = 0;
  const between = (value: number, key: 'perSecond' | 'answerMs') =>
    Math.min(1, Math.max(0, (value - calm[key]) / (burst[key] - calm[key])));
  return {
    get level() {
      return Math.max(between(perSecond, 'perSecond'), between(answerMs, 'answerMs'));
    },
    get perSecond() {
      return perSecond;
    },
    look(look) {
      const at = now();
      const elapsedMs = last === undefined ? 0 : at - last.at;
      const kept = 2 ** (-elapsedMs / halvedAfterMs);
      const rate =
        last === undefined || elapsedMs <= 0
          ? 0
          : (Math.max(0, look.written - last.written) * 1000) / elapsedMs;
      perSecond = Math.max(rate, perSecond * kept);
      // one slow answer may be chance: half of it counts, the whole of it when the next one is slow too
      answerMs = Math.max(look.answerMs / 2, Math.min(look.answerMs, answerMs * 2), answerMs * kept);
      last = { written: look.written, at };
    },
  };
}

/** A loop's round that is passed over while intake is hot, but is run at least every `atMostMs`. */
export function yieldTo(
  heat: Pick<Heat, 'level'>,
  { atMostMs, round, now = () => performance.now() }: { atMostMs: number; round: Round; now?: () => number },
): Round {
  let ranAt = now();
  return (stop) => {
    if (heat.level > 0.5 && now() - ranAt < atMostMs) return Promise.resolve('idle');
    ranAt = now();
    return round(stop);
  };
}
