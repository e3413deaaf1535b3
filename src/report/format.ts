import { localTimeOf } from '../domain/network/calendar';

/** Instants, money and lengths as the page writes them: the same in both languages. */

export interface Clock {
  /** `2026-11-25 20:15:03` */
  full(at: string): string;
  /** `11-25 20:15` */
  short(at: string): string;
  /** As fine as the steps of an axis need: `20:15:03`, `20:15`, `11-25 20:00`. */
  tick(at: string, axis: { bucketSeconds: number; spanSeconds: number }): string;
}

const aDay = 86_400;

/** Wall-clock times in the tenant's zone. */
export function createClock(timeZone: string): Clock {
  const partsOf = (at: string) => {
    const shown = localTimeOf(Date.parse(at), timeZone);
    return {
      year: shown.slice(0, 4),
      day: shown.slice(5, 10),
      minute: shown.slice(11, 16),
      second: shown.slice(17),
    };
  };
  return {
    full(at) {
      const { year, day, minute, second } = partsOf(at);
      return `${year}-${day} ${minute}:${second}`;
    },
    short(at) {
      const { day, minute } = partsOf(at);
      return `${day} ${minute}`;
    },
    tick(at, { bucketSeconds, spanSeconds }) {
      const { day, minute, second } = partsOf(at);
      if (bucketSeconds >= aDay) return day;
      if (spanSeconds >= aDay) return `${day} ${minute}`;
      return bucketSeconds >= 60 ? minute : `${minute}:${second}`;
    },
  };
}

const yuan = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function formatMoney(fen: number): string {
  return `¥${yuan.format(fen / 100)}`;
}

const wholeYuan = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Where the fen do not matter. */
export function formatYuan(fen: number): string {
  return `¥${wholeYuan.format(fen / 100)}`;
}

/** Three figures, in the unit that fits: `83 ms`, `4.2 s`, `12 min`, `5.5 h`, `3.1 d`. */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120 && seconds !== 60) return `${rounded(seconds)} s`;
  if (seconds < 7_200) return `${rounded(seconds / 60)} min`;
  if (seconds < 2 * aDay) return `${rounded(seconds / 3_600)} h`;
  return `${rounded(seconds / aDay)} d`;
}

function rounded(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}

export function formatRate(rate: number | null): string {
  if (rate === null) return '–';
  // what is not whole is never rounded up to a perfect score
  const percent = Math.floor(rate * 1000) / 10;
  return `${percent}%`;
}
