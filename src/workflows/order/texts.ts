import type { Zone } from '../../domain/catalogue/model';
import type { OrderState } from '../../domain/order/model';
import type { Language, Reader } from '../../domain/tenant/model';
import { chineseTexts } from './chineseTexts';
import { englishTexts } from './englishTexts';

/** What these workflows hand to people; the answers that are open are `attentionRules`' (a test compares them). */
export type ParkedReason =
  | 'brokenInvariant'
  | 'bookingFailed'
  | 'noRoute'
  | 'overdue'
  | 'paidShort'
  | 'presaleOverdue'
  | 'refundFailed'
  | 'unbookingFailed';

interface ParkedTexts {
  name: string;
  /** By the action's name in the API. */
  answers: Record<string, string>;
  /** What happens by itself at the time shown. */
  unlessTold: string;
}

/** One part of an order, as people speak of it. */
export interface Part {
  shipmentId: string;
  zone: string;
  siteId: string;
  carrierId: string | null;
  leaderId: string | null;
}

/** What one waits for, in one look; the instants are added by whoever shows it. */
export interface Notice {
  title: string;
  waitsFor: string;
  next: string;
  toDo?: string;
}

export interface StartFacts {
  state: OrderState;
  deliverBy: string;
  liveSessionId: string | null;
  pickupPointId: string | null;
  region: string | null;
  campaignIds: string[];
}

/**
 * All that the order's, the late money's and the refund's workflows say to people, in one language. Words of the
 * glossary; ids stand in backticks; no personal data is ever an argument. The compiler refuses a language with gaps.
 */
export interface Texts {
  labels: Record<'waitsFor' | 'since' | 'until' | 'next' | 'toDo' | 'problem', string>;
  clock(timeZone: string): string;
  /** Between parts of an enumeration. */
  comma: string;
  zones: Record<Zone, string>;
  states: Record<OrderState | 'superseded', string>;
  parked: Record<ParkedReason, ParkedTexts>;
  part(part: { zone: string; siteId: string; carrierId: string | null; leaderId: string | null }): string;
  /** Where to look it up and how to answer; `answers` are ready to show. */
  decide(subject: { orderId?: string; reason: ParkedReason; answers: string }): string;
  start: {
    order(order: { orderId: string; run: number }): string;
    money(transactionId: string): string;
    refund(refundId: string): string;
    facts(facts: StartFacts): string[];
  };
  /** One line each, on activities and timers. */
  steps: {
    adoptHold: string;
    endHold: string;
    plan: string;
    reviewPromises: string;
    close: string;
    book(part: string): string;
    unbook(shipment: { shipmentId: string; carrierId: string }): string;
    park(name: string): string;
    decideMoney: string;
    requestRefund: string;
    queryRefund: string;
    /** On a timer. */
    until(what: { waitsFor: string; until: string }): string;
  };
  notices: {
    payment: Notice;
    planning: Notice;
    booking(parts: string): Notice;
    delivery(parts: string): Notice;
    goods: Notice;
    parked(parked: { name: string; subject: string; unlessTold: string }): Notice;
    unbooking: Notice;
    ended(state: string): string;
    deciding: Notice;
    decided: Record<'reheld' | 'refunding' | 'alreadyDecided', string>;
    refund: Notice;
    refunded: string;
  };
}

const texts: Record<Language, Texts> = { zh: chineseTexts, en: englishTexts };

/** Workflows from before there was a reader speak English, by UTC. */
const defaultReader: Reader = { language: 'en', timeZone: 'UTC', offsets: [] };

/** The words for a reader, with their clock. */
export interface Wording extends Texts {
  /** `2026-11-25 20:30` on the reader's clock. */
  at(instant: string | number): string;
  /** A summary is one line of plain text. */
  line(text: string): string;
  describeParts(parts: Part[]): string;
  parkedNotice(parked: { reason: ParkedReason; orderId?: string; subject: string }): Notice;
  /** Markdown for the workflow's page. */
  render(notice: Notice, details: { since?: string; until?: string; problem?: string }): string;
}

/** Binds the texts of the reader's language to the reader's clock. */
export function wordingFor(reader: Reader = defaultReader): Wording {
  const own = texts[reader.language];
  const at = (instant: string | number) => clockText(reader, new Date(instant).getTime());
  return {
    ...own,
    at,
    line: (text) => text.replaceAll('`', ''),
    describeParts: (parts) => parts.map((each) => own.part(each)).join(own.comma),
    parkedNotice({ reason, orderId, subject }) {
      const { name, answers, unlessTold } = own.parked[reason];
      const open = Object.entries(answers).map(([action, meaning]) => `\`${action}\` ${meaning}`);
      const toDo = own.decide({ orderId, reason, answers: open.join(own.comma) });
      return { ...own.notices.parked({ name, subject, unlessTold }), toDo };
    },
    render(notice, { since, until, problem }) {
      const { labels } = own;
      const line = (label: string, text: string | undefined) =>
        text === undefined ? [] : [`- **${label}** ${text}`];
      return [
        `### ${notice.title}`,
        ...line(labels.waitsFor, notice.waitsFor),
        ...line(labels.since, since && at(since)),
        ...line(labels.until, until && at(until)),
        ...line(labels.problem, problem),
        ...line(labels.next, notice.next),
        ...line(labels.toDo, notice.toDo),
        '',
        own.clock(reader.timeZone),
      ].join('\n');
    },
  };
}

const minuteMs = 60_000;

function clockText({ offsets }: Reader, instant: number): string {
  const passed = offsets.filter((offset) => new Date(offset.from).getTime() <= instant);
  const minutes = (passed.at(-1) ?? offsets[0])?.minutes ?? 0;
  return new Date(instant + minutes * minuteMs).toISOString().slice(0, 16).replace('T', ' ');
}
