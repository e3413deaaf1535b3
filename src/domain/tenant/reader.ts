import { offsetMinutesOf } from '../network/calendar';
import type { Instant } from '../network/model';
import type { Language, Reader, UtcOffset } from './model';

const dayMilliseconds = 86_400_000;
const minuteMilliseconds = 60_000;
/** Longer than any order is open; beyond it the last offset goes on. */
const horizonDays = 400;

let remembered = new Map<string, UtcOffset[]>();
let rememberedDay = 0;

/** The reader of a tenant's texts from the day of `now` on, with every change of their clock in the year ahead. */
export function planReader({
  language,
  timeZone,
  now,
}: {
  language: Language;
  timeZone: string;
  now: Instant;
}): Reader {
  const today = Math.floor(now / dayMilliseconds) * dayMilliseconds;
  if (today !== rememberedDay) remembered = new Map();
  rememberedDay = today;
  const offsets = remembered.get(timeZone) ?? findOffsets(today, timeZone);
  remembered.set(timeZone, offsets);
  return { language, timeZone, offsets };
}

function findOffsets(today: Instant, timeZone: string): UtcOffset[] {
  const offsets = [offsetFrom(today, timeZone)];
  for (let day = today; day < today + horizonDays * dayMilliseconds; day += dayMilliseconds) {
    const next = day + dayMilliseconds;
    if (offsetMinutesOf(day, timeZone) === offsetMinutesOf(next, timeZone)) continue;
    offsets.push(offsetFrom(findChange({ day, next, timeZone }), timeZone));
  }
  return offsets;
}

function offsetFrom(at: Instant, timeZone: string): UtcOffset {
  return { from: new Date(at).toISOString(), minutes: offsetMinutesOf(at, timeZone) };
}

/** The first minute after the change, by halving. */
function findChange({ day, next, timeZone }: { day: Instant; next: Instant; timeZone: string }): Instant {
  const before = offsetMinutesOf(day, timeZone);
  let early = day;
  let late = next;
  while (late - early > minuteMilliseconds) {
    const middle = early + Math.floor((late - early) / 2 / minuteMilliseconds) * minuteMilliseconds;
    if (offsetMinutesOf(middle, timeZone) === before) early = middle;
    else late = middle;
  }
  return late;
}
