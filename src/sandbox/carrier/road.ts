import type { CarrierEventKind } from '../../clients/carriers/sandboxWire';
import type { CarrierBook } from './book';

interface Clock {
  /** Whether parcels move by themselves. */
  auto: boolean;
  /** Seconds between two steps; fractions are allowed. */
  stepSeconds: number;
}

export interface Road {
  /** Plans the booking's next step anew: after it was booked, cancelled or moved. */
  plan(bookingId: string): void;
  clock(): Clock;
  /** Changes the clock; everything under way keeps to the new one. */
  setClock(change: Partial<Clock>): void;
  close(): void;
}

interface RoadOptions {
  book: CarrierBook;
  clock: Clock;
  emit(bookingId: string, kind: CarrierEventKind): void;
}

/** Lets parcels move by themselves, one step at a time, from what the books say; it keeps no state of its own. */
export function createRoad({ book, clock: initial, emit }: RoadOptions): Road {
  const timers = new Map<string, NodeJS.Timeout>();
  let clock = { ...initial };

  function plan(bookingId: string): void {
    clearTimeout(timers.get(bookingId));
    timers.delete(bookingId);
    const step = clock.auto ? book.nextStep(bookingId) : undefined;
    if (step === undefined) return;
    const waitMs = Math.max(0, step.since + clock.stepSeconds * 1000 - Date.now());
    const timer = setTimeout(() => {
      timers.delete(bookingId);
      emit(bookingId, step.kind);
    }, waitMs);
    timers.set(bookingId, timer);
  }

  return {
    plan,
    clock: () => ({ ...clock }),
    setClock(change) {
      clock = { auto: change.auto ?? clock.auto, stepSeconds: change.stepSeconds ?? clock.stepSeconds };
      for (const bookingId of book.bookingIds()) plan(bookingId);
    },
    close() {
      clock = { ...clock, auto: false };
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
