import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { FulfilmentActivities, FulfilmentPlan } from '../../activities/fulfilment';
import type { OrderActivities, OrderRun, OrderView, Patience } from '../../activities/order';
import type { PlainActivities } from '../plain';
import { type BranchOutcome, bookBranch, cancelAtCarrier } from './carrierBranch';
import { isBrokenInvariant, problemOf } from './failures';
import type { OrderOutcome, OrderWorkflowInput } from './messages';
import { localStep } from './retries';
import { type StageNews, listenForStages } from './stageNews';
import { type Standing, openStanding } from './standing';
import type { ParkedReason } from './texts';

const steps = proxyLocalActivities<PlainActivities<OrderActivities & FulfilmentActivities>>(localStep);

/** One order from its hold to its end. It waits; PostgreSQL decides, and is read again after every wait. */
export async function orderWorkflow({
  tenant,
  orderId,
  run,
  ...shown
}: OrderWorkflowInput): Promise<OrderOutcome> {
  const order = { tenant, orderId, run };
  const course: Course = {
    order,
    news: listenForStages(),
    standing: openStanding({ ...order, ...shown }),
  };
  const { patience, ...adopted } = await untilCoherent(course, ({ adoptHold: summary }) =>
    steps.adoptHold.executeWithOptions({ ...localStep, summary }, [order]),
  );
  let view: OrderView = adopted;
  for (;;) {
    view = await awaitPayment(view, { ...course, patience });
    if (view.state === 'paid' || view.state === 'fulfilling') await fulfil({ ...course, patience });
    const outcome = await close({ ...course, patience });
    if (outcome.ended) return { state: outcome.state };
    view = { state: outcome.state, expiresAt: null };
  }
}

interface Course {
  order: OrderRun;
  news: StageNews;
  standing: Standing;
}

type Circumstances = Course & { patience: Patience };

const secondMs = 1000;
/** Between two looks at an order that should have been ended by database time and was not: clocks differ. */
const clockSkewMs = 5 * secondMs;
const brokenReviewMs = 24 * 3600 * secondMs;

function after(milliseconds: number): Date {
  return new Date(Date.now() + milliseconds);
}

/** A step that met a state that must not exist is parked until somebody has mended it, and then run again. */
async function untilCoherent<Answer>(
  { order, news, standing }: Course,
  step: (summaries: Standing['wording']['steps']) => Promise<Answer>,
): Promise<Answer> {
  const { wording } = standing;
  for (;;) {
    try {
      return await step(wording.steps);
    } catch (error) {
      if (!isBrokenInvariant(error)) throw error;
      const { tenant, orderId } = order;
      const problem = problemOf(error);
      const reason = 'brokenInvariant';
      const summary = wording.steps.park(wording.parked[reason].name);
      await steps.parkOrder.executeWithOptions({ ...localStep, summary }, [
        { tenant, orderId, reason, problem },
      ]);
      standing.column({ stage: 'parked', attention: reason });
      const until = after(brokenReviewMs);
      await news.next({
        for: ['resumed', 'cancelled', 'ended'],
        until,
        summary: standing.waits({
          name: reason,
          forPerson: true,
          notice: wording.parkedNotice({ reason, orderId, subject: `\`${orderId}\`` }),
          until,
          problem,
        }),
      });
      await startAfreshIfLong(standing);
    }
  }
}

/** Waits out the hold. The sweeper has usually ended it before the timer does; either way the row tells. */
async function awaitPayment(adopted: OrderView, circumstances: Circumstances): Promise<OrderView> {
  const { order, news, standing, patience } = circumstances;
  let view = adopted;
  while (view.state === 'awaitingPayment' || view.state === 'waiting') {
    standing.column({ stage: view.state });
    const due = view.expiresAt === null ? after(patience.reviewSeconds * secondMs) : new Date(view.expiresAt);
    const heard = await news.next({
      for: ['paid', 'cancelled', 'ended', 'resumed'],
      until: due.getTime() > Date.now() ? due : after(clockSkewMs),
      summary: standing.waits({
        name: 'payment',
        notice: standing.wording.notices.payment,
        until: due,
        since: view.placedAt,
      }),
    });
    if (heard === 'paid') return { ...view, state: 'paid' };
    view = await untilCoherent(circumstances, ({ endHold: summary }) =>
      steps.expireHold.executeWithOptions({ ...localStep, summary }, [order]),
    );
    await startAfreshIfLong(standing);
  }
  return view;
}

/** Plans, books every part that needs a carrier, and follows all parts to their end. */
async function fulfil(circumstances: Circumstances): Promise<void> {
  const { order, news, standing, patience } = circumstances;
  const { tenant, orderId } = order;
  const booked: string[] = [];
  let review: Review | null = null;
  standing.beginFulfilment();
  standing.works(standing.wording.notices.planning);
  for (;;) {
    if (news.take(['cancelled']) !== undefined) return;
    const plan = await untilCoherent(circumstances, ({ plan: summary }) =>
      steps.planFulfilment.executeWithOptions({ ...localStep, summary }, [{ tenant, orderId }]),
    );
    if (plan.kind === 'ended') return;
    const parked = plan.kind === 'planned' ? await bookAll(circumstances, { plan, booked }) : [];
    const until = nextLook(plan, { parked, lookAgainAt: review?.lookAgainAt ?? null, patience });
    const summary = showPlan(circumstances, { plan, parked, until, overdue: review?.reason ?? null });
    const heard = await news.next({ for: ['cancelled', 'ended', 'resumed'], until, summary });
    if (heard === 'cancelled' || heard === 'ended') return;
    review = null;
    if (heard === 'time' && plan.kind !== 'parked') {
      const { overdueGraceSeconds: graceSeconds, reviewSeconds } = patience;
      const promises = { tenant, orderId, graceSeconds, reviewSeconds };
      review = await untilCoherent(circumstances, ({ reviewPromises }) =>
        steps.raiseOverdue.executeWithOptions({ ...localStep, summary: reviewPromises }, [promises]),
      );
    }
    await startAfreshIfLong(standing);
  }
}

type Planned = Extract<FulfilmentPlan, { kind: 'planned' }>;
type OpenPlan = Exclude<FulfilmentPlan, { kind: 'ended' }>;

interface Review {
  lookAgainAt: string;
  /** Absent in answers from before 0.2. */
  reason?: 'overdue' | 'presaleOverdue' | null;
}

/** Books the parts as parallel branches; answers those that are parked. Stops at once when the order is cancelled. */
async function bookAll(
  { order: { tenant, orderId }, news, standing }: Course,
  { plan, booked }: { plan: Planned; booked: string[] },
): Promise<string[]> {
  const open = plan.shipments.filter(
    (shipment) => shipment.carrierId !== null && !booked.includes(shipment.shipmentId),
  );
  if (open.length === 0) return [];
  const { wording } = standing;
  standing.works(wording.notices.booking(wording.describeParts(open)));
  const scope = new CancellationScope();
  const branches = scope.run(() =>
    Promise.all(open.map((shipment) => bookBranch({ tenant, orderId, wording }, shipment))),
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

interface Shown {
  plan: OpenPlan;
  /** Shipments whose booking is parked. */
  parked: string[];
  until: Date;
  overdue: 'overdue' | 'presaleOverdue' | null;
}

/** Shows what a planned order waits for; answers the line for its timer. */
function showPlan({ order: { orderId }, standing }: Course, { plan, parked, until, overdue }: Shown): string {
  const { wording } = standing;
  const siteIds = plan.kind === 'planned' ? plan.shipments.map(({ siteId }) => siteId) : [];
  const columns = siteIds.length === 0 ? {} : { siteIds: [...new Set(siteIds)] };
  const reason = parkedReason({ plan, parked, overdue });
  if (reason !== null) {
    const unplanned = parked.length > 0 || plan.kind === 'parked';
    const stage = unplanned ? 'parked' : plan.kind === 'planned' ? 'fulfilling' : 'waitingForGoods';
    standing.column({ stage, attention: reason, ...columns });
    const subject = (parked.length > 0 ? parked : [orderId]).map((id) => `\`${id}\``).join(wording.comma);
    const notice = wording.parkedNotice({ reason, orderId, subject });
    return standing.waits({ name: `${reason} ${subject}`, forPerson: true, notice, until });
  }
  if (plan.kind === 'planned') {
    standing.column({ stage: 'fulfilling', ...columns });
    const notice = wording.notices.delivery(wording.describeParts(plan.shipments));
    return standing.waits({ name: 'delivery', notice, until });
  }
  standing.column({ stage: 'waitingForGoods' });
  return standing.waits({ name: 'goods', notice: wording.notices.goods, until });
}

function parkedReason({ plan, parked, overdue }: Omit<Shown, 'until'>): ParkedReason | null {
  if (plan.kind === 'parked') return plan.reason;
  return parked.length > 0 ? 'bookingFailed' : overdue;
}

/** Undoes at carriers what was cancelled here, tries until it is done or settled by hand, and ends. */
async function close(circumstances: Circumstances) {
  const { order, news, standing, patience } = circumstances;
  const { wording } = standing;
  const { orderId } = order;
  for (;;) {
    const view = await untilCoherent(circumstances, ({ close: summary }) =>
      steps.closeOrder.executeWithOptions({ ...localStep, summary }, [order]),
    );
    if (!view.ended) return view;
    if (view.bookings.length > 0) standing.works(wording.notices.unbooking);
    // what was booked must be unbooked even when an operator cancels this workflow
    const left = await CancellationScope.nonCancellable(() =>
      cancelAtCarrier({ ...order, wording }, view.bookings),
    );
    if (left.length === 0) {
      standing.end(view.state);
      return view;
    }
    const reason = 'unbookingFailed';
    standing.column({ stage: 'parked', attention: reason });
    const until = after(patience.partnerRetrySeconds * secondMs);
    const subject = left.map((shipmentId) => `\`${shipmentId}\``).join(wording.comma);
    const notice = wording.parkedNotice({ reason, orderId, subject });
    await news.next({
      for: ['resumed'],
      until,
      summary: standing.waits({ name: `${reason} ${subject}`, forPerson: true, notice, until }),
    });
    await startAfreshIfLong(standing);
  }
}

/** Every step reads its state from PostgreSQL, so a long history is cut by simply beginning again. */
async function startAfreshIfLong(standing: Standing): Promise<void> {
  if (workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > 2000) {
    await continueAsNew<typeof orderWorkflow>(standing.carry());
  }
}
