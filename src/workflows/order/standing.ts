import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { OrderState } from '../../domain/order/model';
import type { OrderWorkflowInput, ShownOrder, ShownWait } from './messages';
import { type Notice, type ParkedReason, type Wording, wordingFor } from './texts';

/** What the order's row in the Web UI's list says. */
export interface Column {
  stage: OrderState | 'superseded' | 'waitingForGoods' | 'parked';
  attention?: ParkedReason;
  /** Where its goods leave; unchanged when left out. */
  siteIds?: string[];
}

export interface Waiting {
  /** The same wait goes on under the same name, and keeps its beginning. */
  name: string;
  notice: Notice;
  until: Date;
  /** When it began, if that is known better than by now. */
  since?: string;
  problem?: string;
}

/** What people see of an order's workflow: its columns in the list, and words on its page. */
export interface Standing {
  wording: Wording;
  /** Shows a wait and answers the line for its timer. One for a person lies over the wait it interrupts. */
  waits(waiting: Waiting & { forPerson?: boolean }): string;
  /** Shows a step under way; the wait it belongs to goes on. */
  works(notice: Notice): void;
  /** Changes the columns where they differ. */
  column(column: Column): void;
  end(state: OrderState | 'superseded'): void;
  /** Fulfilment begins, perhaps again: what was shown as unpaid is paid. */
  beginFulfilment(): void;
  /** The input of the next run, which goes on with what is shown. */
  carry(): OrderWorkflowInput;
}

const stageKey = defineSearchAttributeKey('OrderStage', 'KEYWORD');
const attentionKey = defineSearchAttributeKey('Attention', 'KEYWORD');
const siteKey = defineSearchAttributeKey('Site', 'KEYWORD');
const sitesKey = defineSearchAttributeKey('Sites', 'KEYWORD_LIST');

/**
 * Keeps what is shown. Orders from before there was `shown` in the input changed their columns less often, and go on
 * so: each change is a command, which a replay must meet again.
 */
export function openStanding(order: OrderWorkflowInput): Standing {
  const wording = wordingFor(order.shown?.reader);
  const known: Partial<ShownOrder> = { ...order.shown };
  let old = order.shown === undefined ? { stage: '' } : null;

  function upsert({ stage, attention, siteIds }: Column): void {
    const pairs: SearchAttributeUpdatePair[] = [
      { key: stageKey, value: stage },
      { key: attentionKey, value: attention ?? null },
    ];
    const [first] = siteIds ?? [];
    if (first !== undefined)
      pairs.push({ key: siteKey, value: first }, { key: sitesKey, value: siteIds as string[] });
    upsertSearchAttributes(pairs);
    Object.assign(known, { stage, attention, siteIds: siteIds ?? known.siteIds });
  }

  function isShown({ stage, attention, siteIds }: Column): boolean {
    const sameSites = siteIds === undefined || siteIds.join() === (known.siteIds ?? []).join();
    return stage === known.stage && attention === known.attention && sameSites;
  }

  function begin(name: string, before: ShownWait | undefined, since?: string): ShownWait {
    return before?.name === name ? before : { name, since: since ?? new Date().toISOString() };
  }

  return {
    wording,
    waits({ name, notice, until, since, problem, forPerson = false }) {
      if (forPerson) known.parked = begin(name, known.parked);
      else {
        known.wait = begin(name, known.wait, since);
        delete known.parked;
      }
      const began = (known.parked ?? known.wait)?.since;
      setCurrentDetails(wording.render(notice, { since: began, until: until.toISOString(), problem }));
      return wording.line(
        wording.steps.until({ waitsFor: notice.waitsFor, until: wording.at(until.toISOString()) }),
      );
    },
    works: (notice) => setCurrentDetails(wording.render(notice, { since: new Date().toISOString() })),
    column(column) {
      if (old === null) {
        if (!isShown(column)) upsert(column);
      } else if (isOldColumn(column) && column.stage !== old.stage) {
        old = { stage: column.stage };
        upsert(column);
      }
    },
    end(state) {
      upsert({ stage: state });
      setCurrentDetails(wording.notices.ended(wording.states[state]));
    },
    beginFulfilment() {
      if (old !== null) old = { stage: '' };
      else if (known.stage === 'awaitingPayment' || known.stage === 'waiting') upsert({ stage: 'paid' });
    },
    carry: () => ({
      ...order,
      ...(order.shown === undefined ? {} : { shown: { ...order.shown, ...known } }),
    }),
  };
}

/** The changes that orders of old made: those of fulfilment. */
function isOldColumn({ stage, attention }: Column): boolean {
  const fulfilment = stage === 'fulfilling' || stage === 'waitingForGoods' || stage === 'parked';
  return fulfilment && attention !== 'brokenInvariant' && attention !== 'unbookingFailed';
}
