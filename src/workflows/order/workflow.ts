import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { FulfilmentActivities, FulfilmentPlan } from '../../activities/fulfilment';
import type { OrderActivities, OrderView, Patience } from '../../activities/order';
import type { PlainActivities } from '../plain';
import { type BranchOutcome, bookBranch, cancelAtCarrier } from './carrierBranch';
import { isBrokenInvariant, problemOf } from './failures';
import type { OrderOutcome, OrderWorkflowInput } from './messages';
import { localStep } from './retries';
import { type StageNews, listenForStages } from './stageNews';

const steps = proxyLocalActivities<PlainActivities<OrderActivities & FulfilmentActivities>>(localStep);

/** One order from its hold to its end. It waits; PostgreSQL decides, and is read again after every wait. */
export async function orderWorkflow(order: OrderWorkflowInput): Promise<OrderOutcome> {
  const news = listenForStages();
  const { patience, ...adopted } = await untilCoherent(order, news, () =>
    steps.adoptHold.executeWithOptions({ ...localStep, summary: 'reserve: adopt the hold made at intake' }, [
      order,
    ]),
  );
  let view: OrderView = adopted;
  for (;;) {
    view = await awaitPayment(order, view, { news, patience });
    if (view.state === 'paid' || view.state === 'fulfilling') await fulfil(order, { news, patience });
    const outcome = await close(order, { news, patience });
    if (outcome.ended) return { state: outcome.state };
    view = { state: outcome.state, expiresAt: null };
  }
}

interface Circumstances {
  news: StageNews;
  patience: Patience;
}

const secondMs = 1000;
/** Between two looks at an order that should have been ended by database time and was not: clocks differ. */
const clockSkewMs = 5 * secondMs;
const brokenReviewMs = 24 * 3600 * secondMs;

function after(milliseconds: number): Date {
  return new Date(Date.now() + milliseconds);
}

/** Shows where the order is, in the column people filter by and in words on its page. */
function show(stage: string, details: string, siteId?: string): void {
  upsertSearchAttributes({ OrderStage: [stage], ...(siteId === undefined ? {} : { Site: [siteId] }) });
  setCurrentDetails(details);
}

/** A step that met a state that must not exist is parked until somebody has mended it, and then run again. */
async function untilCoherent<Answer>(
  order: OrderWorkflowInput,
  news: StageNews,
  step: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isBrokenInvariant(error)) throw error;
      const { tenant, orderId } = order;
      const problem = problemOf(error);
      await steps.parkOrder({ tenant, orderId, reason: 'brokenInvariant', problem });
      setCurrentDetails(`parked: ${problem}`);
      await news.next({
        for: ['resumed', 'cancelled', 'ended'],
        until: after(brokenReviewMs),
        summary: 'parked as a broken invariant, until resumed',
      });
      await startAfreshIfLong(order);
    }
  }
}

/** Waits out the hold. The sweeper has usually ended it before the timer does; either way the row tells. */
async function awaitPayment(
  order: OrderWorkflowInput,
  adopted: OrderView,
  { news, patience }: Circumstances,
) {
  let view = adopted;
  while (view.state === 'awaitingPayment' || view.state === 'waiting') {
    const due = view.expiresAt === null ? after(patience.reviewSeconds * secondMs) : new Date(view.expiresAt);
    const heard = await news.next({
      for: ['paid', 'cancelled', 'ended', 'resumed'],
      until: due.getTime() > Date.now() ? due : after(clockSkewMs),
      summary: 'payment, until the hold ends',
    });
    if (heard === 'paid') return { ...view, state: 'paid' } satisfies OrderView;
    view = await untilCoherent(order, news, () =>
      steps.expireHold.executeWithOptions({ ...localStep, summary: 'end the hold if it is due' }, [order]),
    );
    await startAfreshIfLong(order);
  }
  return view;
}

/** Plans, books every part that needs a carrier, and follows all parts to their end. */
async function fulfil(order: OrderWorkflowInput, { news, patience }: Circumstances): Promise<void> {
  const { tenant, orderId } = order;
  const booked: string[] = [];
  let shown = '';
  let lookAgainAt: string | null = null;
  for (;;) {
    if (news.take(['cancelled']) !== undefined) return;
    const plan = await untilCoherent(order, news, () =>
      steps.planFulfilment.executeWithOptions(
        { ...localStep, summary: 'split by zone and find each part’s way' },
        [{ tenant, orderId }],
      ),
    );
    if (plan.kind === 'ended') return;
    const parked = plan.kind === 'planned' ? await bookAll(order, { plan, booked, news }) : [];
    const stage =
      plan.kind === 'parked' || parked.length > 0
        ? 'parked'
        : plan.kind === 'planned'
          ? 'fulfilling'
          : 'waitingForGoods';
    if (shown !== stage) {
      show(
        (shown = stage),
        describe(plan, parked),
        plan.kind === 'planned' ? plan.shipments[0]?.siteId : undefined,
      );
    }
    const heard = await news.next({
      for: ['cancelled', 'ended', 'resumed'],
      until: nextLook(plan, { parked, lookAgainAt, patience }),
      summary: describe(plan, parked),
    });
    if (heard === 'cancelled' || heard === 'ended') return;
    lookAgainAt = null;
    if (heard === 'time' && plan.kind !== 'parked') {
      const goodsUntil = plan.kind === 'planned' ? plan.unconvertedUntil : plan.until;
      const { overdueGraceSeconds: graceSeconds, reviewSeconds } = patience;
      const review = { tenant, orderId, goodsUntil, graceSeconds, reviewSeconds };
      ({ lookAgainAt } = await untilCoherent(order, news, () => steps.raiseOverdue(review)));
    }
    await startAfreshIfLong(order);
  }
}

type Planned = Extract<FulfilmentPlan, { kind: 'planned' }>;

/** Books the parts as parallel branches; answers those that are parked. Stops at once when the order is cancelled. */
async function bookAll(
  { tenant, orderId }: OrderWorkflowInput,
  { plan, booked, news }: { plan: Planned; booked: string[]; news: StageNews },
): Promise<string[]> {
  const open = plan.shipments.filter(
    (shipment) => shipment.carrierId !== null && !booked.includes(shipment.shipmentId),
  );
  if (open.length === 0) return [];
  const scope = new CancellationScope();
  const branches = scope.run(() =>
    Promise.all(open.map((shipment) => bookBranch({ tenant, orderId }, shipment))),
  );
  const settled = branches.catch((error: unknown) => {
    if (news.has('cancelled') && isCancellation(error)) return [] as BranchOutcome[];
    throw error;
  });
  let over = false;
  void settled.then(
    () => (over = true),
    () => (over = true),
  );
  await condition(() => over || news.has('cancelled'));
  if (!over) scope.cancel();
  const outcomes = await settled;
  booked.push(...outcomes.filter((each) => each.outcome !== 'parked').map((each) => each.shipmentId));
  return outcomes.filter((each) => each.outcome === 'parked').map((each) => each.shipmentId);
}

function nextLook(
  plan: FulfilmentPlan,
  { parked, lookAgainAt, patience }: { parked: string[]; lookAgainAt: string | null; patience: Patience },
): Date {
  const looks: number[] = [Date.now() + patience.reviewSeconds * secondMs];
  if (parked.length > 0) looks.push(Date.now() + patience.partnerRetrySeconds * secondMs);
  if (lookAgainAt !== null) looks.push(new Date(lookAgainAt).getTime());
  else if (plan.kind === 'waitingForGoods') looks[0] = new Date(plan.until).getTime();
  else if (plan.kind === 'planned') {
    const promises = plan.shipments.map(
      (shipment) => new Date(shipment.deliverBy).getTime() + patience.overdueGraceSeconds * secondMs,
    );
    if (plan.unconvertedUntil !== null) promises.push(new Date(plan.unconvertedUntil).getTime());
    if (promises.length > 0) looks[0] = Math.min(...promises);
  }
  return new Date(Math.min(...looks));
}

function describe(plan: FulfilmentPlan, parked: string[]): string {
  switch (plan.kind) {
    case 'planned':
      return parked.length > 0
        ? `booking of ${parked.join(', ')} parked, until resumed`
        : `delivery of ${plan.shipments.map(({ zone, siteId }) => `${zone} from ${siteId}`).join(', ')}`;
    case 'waitingForGoods':
      return 'presale goods to arrive';
    case 'parked':
      return `parked (${plan.reason}), until resumed`;
    case 'ended':
      return plan.state;
  }
}

/** Undoes at carriers what was cancelled here, tries until it is done or settled by hand, and ends. */
async function close(order: OrderWorkflowInput, { news, patience }: Circumstances) {
  for (;;) {
    const view = await untilCoherent(order, news, () =>
      steps.closeOrder.executeWithOptions({ ...localStep, summary: 'close' }, [order]),
    );
    if (!view.ended) return view;
    // what was booked must be unbooked even when an operator cancels this workflow
    const left = await CancellationScope.nonCancellable(() => cancelAtCarrier(order, view.bookings));
    if (left.length === 0) {
      show(view.state, view.state);
      return view;
    }
    setCurrentDetails(`${view.state}; to be unbooked by hand: ${left.join(', ')}`);
    await news.next({
      for: ['resumed'],
      until: after(patience.partnerRetrySeconds * secondMs),
      summary: `unbooking of ${left.join(', ')} parked, until resumed`,
    });
    await startAfreshIfLong(order);
  }
}

/** Every step reads its state from PostgreSQL, so a long history is cut by simply beginning again. */
async function startAfreshIfLong(order: OrderWorkflowInput): Promise<void> {
  if (workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > 2000) {
    await continueAsNew<typeof orderWorkflow>(order);
  }
}
