import type { Texts } from './texts';

const states = {
  waiting: 'waiting',
  awaitingPayment: 'awaiting payment',
  paid: 'paid',
  fulfilling: 'fulfilling',
  delivered: 'delivered',
  expired: 'expired',
  cancelled: 'cancelled',
  superseded: 'taken over by a later run',
} as const;

/** English. The glossary's words. */
export const englishTexts: Texts = {
  labels: {
    waitsFor: 'Waits for',
    since: 'Since',
    until: 'Until',
    next: 'Then',
    toDo: 'What to do',
    problem: 'Problem',
  },
  clock: (timeZone) => `Times are ${timeZone}`,
  comma: '; ',
  zones: { ambient: 'ambient', chilled: 'chilled', frozen: 'frozen', special: 'special' },
  states,
  parked: {
    brokenInvariant: {
      name: 'a state that must not exist',
      answers: { retry: 'try again, the cause being mended', settle: 'settled by hand; try again' },
      unlessTold: 'tried again by itself at that time',
    },
    bookingFailed: {
      name: 'booking failed',
      answers: { retry: 'book again now', refund: 'cancel what has not left and pay back' },
      unlessTold: 'booked again by itself at that time; the other parts go on',
    },
    noRoute: {
      name: 'no route',
      answers: { retry: 'plan again, the way being open', refund: 'cancel and pay back' },
      unlessTold: 'planned again by itself at that time',
    },
    overdue: {
      name: 'overdue',
      answers: { keepWaiting: 'wait on', refund: 'cancel what has not left and pay back' },
      unlessTold: 'looked at again at that time; all delivered closes it',
    },
    paidShort: {
      name: 'paid and no goods',
      answers: { retry: 'hold again, goods being there', refund: 'cancel and pay back' },
      unlessTold: 'looked at again at that time',
    },
    presaleOverdue: {
      name: 'presale overdue',
      answers: { keepWaiting: 'wait on for the goods', refund: 'cancel and pay back' },
      unlessTold: 'looked at again at that time; split when the goods arrive',
    },
    refundFailed: {
      name: 'refund failed',
      answers: { retry: 'ask again now', settle: 'paid back by another way: book it' },
      unlessTold: 'asked again by itself at that time; one refund id moves the money once',
    },
    unbookingFailed: {
      name: 'unbooking failed',
      answers: { retry: 'unbook again now', settle: 'agreed with the carrier: close it' },
      unlessTold: 'unbooked again by itself at that time',
    },
  },
  part: ({ zone, siteId, carrierId, leaderId }) =>
    `${zone} from \`${siteId}\` by ${carrierId === null ? `leader \`${leaderId}\`` : `carrier \`${carrierId}\``}`,
  decide: ({ orderId, reason, answers }) =>
    `find it with \`GET /v1/attention?${orderId === undefined ? `reason=${reason}` : `orderId=${orderId}`}\` and answer with \`POST /v1/attention/{attentionId}/resolve\`: ${answers}`,
  start: {
    order: ({ orderId, run }) => `order ${orderId}${run > 1 ? `, run ${run}` : ''}`,
    money: (transactionId) => `late or surplus money ${transactionId}`,
    refund: (refundId) => `refund ${refundId}`,
    facts: ({ state, deliverBy, liveSessionId, pickupPointId, region, campaignIds }) => [
      `started when ${states[state]}`,
      `promised by ${deliverBy}`,
      ...(liveSessionId === null ? [] : [`live session \`${liveSessionId}\``]),
      ...(pickupPointId === null ? [] : [`pickup point \`${pickupPointId}\``]),
      ...(region === null ? [] : [`region \`${region}\``]),
      ...(campaignIds.length === 0 ? [] : [`presale \`${campaignIds.join(' ')}\``]),
    ],
  },
  steps: {
    adoptHold: 'reserve: adopt the hold made at intake',
    endHold: 'end the hold if it is due',
    plan: 'split by zone and find each part’s way',
    reviewPromises: 'look which promises have passed',
    close: 'close: is it ended, is anything to be unbooked',
    book: (part) => `book: ${part}`,
    unbook: ({ shipmentId, carrierId }) => `unbook ${shipmentId} at carrier ${carrierId}`,
    park: (name) => `hand to people: ${name}`,
    decideMoney: 'hold again if the goods are still there, else refund',
    requestRefund: 'ask the provider to pay back',
    queryRefund: 'ask how it stands',
    until: ({ waitsFor, until }) => `${waitsFor}, until ${until}`,
  },
  notices: {
    payment: {
      title: 'Awaiting payment',
      waitsFor: 'the buyer’s payment',
      next: 'paid: split by zone and booked; unpaid at that time: the goods are freed, the order expires',
    },
    planning: {
      title: 'Paid, being planned',
      waitsFor: 'its split by zone and each part’s way',
      next: 'booking; without goods or a way it is handed to people',
    },
    booking: (parts) => ({
      title: 'Booking',
      waitsFor: `the carriers’ answers: ${parts}`,
      next: 'delivery; what is not booked in about four minutes is handed to people (booking failed)',
    }),
    delivery: (parts) => ({
      title: 'Fulfilling',
      waitsFor: `delivery: ${parts}`,
      next: 'closed when all is delivered; past the promise it is handed to people (overdue)',
    }),
    goods: {
      title: 'Waiting for presale goods',
      waitsFor: 'presale goods to arrive',
      next: 'split by zone and booked; none at that time: handed to people (presale overdue)',
    },
    parked: ({ name, subject, unlessTold }) => ({
      title: `Waits for a person: ${name}`,
      waitsFor: `operations to decide about ${subject}`,
      next: unlessTold,
    }),
    unbooking: {
      title: 'Unbooking',
      waitsFor: 'the carriers to cancel',
      next: 'closed; what is not cancelled in about four minutes is handed to people (unbooking failed)',
    },
    ended: (state) => `### ${state}\nClosed, nothing to do.`,
    deciding: {
      title: 'Late or surplus money',
      waitsFor: 'a look at the stock',
      next: 'held again under the same promise if the goods are still there, else refunded',
    },
    decided: {
      reheld: '### Held again\nThe goods are there: the order goes on under its promise, see its next run.',
      refunding: '### Refunding\nThe goods are gone or nothing is owed: see the refund’s workflow.',
      alreadyDecided: '### Decided before\nThis money had its answer already.',
    },
    refund: {
      title: 'Refunding',
      waitsFor: 'the provider to confirm',
      next: 'closed when confirmed; refused or unconfirmed it is handed to finance (refund failed)',
    },
    refunded: '### Refunded\nThe provider has confirmed, nothing to do.',
  },
};
