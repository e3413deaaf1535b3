import type { Texts } from './texts';

const zones = { ambient: '常温', chilled: '冷藏', frozen: '冷冻', special: '特殊' } as const;

const states = {
  waiting: '候补',
  awaitingPayment: '待支付',
  paid: '已支付',
  fulfilling: '履约中',
  delivered: '已送达',
  expired: '已过期',
  cancelled: '已取消',
  superseded: '已由后一次流程接手',
} as const;

/** 中文。用词以词汇表为准。 */
export const chineseTexts: Texts = {
  labels: {
    waitsFor: '在等',
    since: '自',
    until: '至',
    next: '接着',
    toDo: '怎么办',
    problem: '原因',
  },
  clock: (timeZone) => `时间均为 ${timeZone}`,
  comma: '、',
  zones,
  states,
  parked: {
    brokenInvariant: {
      name: '状态异常',
      answers: { retry: '修好原因后再试', settle: '人工了结后再试' },
      unlessTold: '到时自动再试一次',
    },
    bookingFailed: {
      name: '订舱失败',
      answers: { retry: '立即再订', refund: '取消未发的部分并退款' },
      unlessTold: '到时自动再订一次；其余部分照常配送',
    },
    noRoute: {
      name: '无法配送',
      answers: { retry: '线路恢复后再排', refund: '取消并退款' },
      unlessTold: '到时自动再排一次',
    },
    overdue: {
      name: '逾期未达',
      answers: { keepWaiting: '继续等', refund: '取消未发的部分并退款' },
      unlessTold: '到时再核对一次；全部送达后自动了结',
    },
    paidShort: {
      name: '已付无货',
      answers: { retry: '补货后再锁定', refund: '取消并退款' },
      unlessTold: '到时再核对一次',
    },
    presaleOverdue: {
      name: '预售逾期',
      answers: { keepWaiting: '继续等到货', refund: '取消并退款' },
      unlessTold: '到时再核对一次；到货后自动拆单',
    },
    refundFailed: {
      name: '退款失败',
      answers: { retry: '立即再退', settle: '已由其他途径退回，登记了结' },
      unlessTold: '到时自动再退一次；同一退款号只退一次款',
    },
    unbookingFailed: {
      name: '退舱失败',
      answers: { retry: '立即再退舱', settle: '已与承运商说定，登记了结' },
      unlessTold: '到时自动再退舱一次',
    },
  },
  part: ({ zone, siteId, carrierId, leaderId }) =>
    `${zones[zone as keyof typeof zones] ?? zone}，自 \`${siteId}\`，${
      carrierId === null ? `团长 \`${leaderId}\`` : `承运商 \`${carrierId}\``
    }`,
  decide: ({ orderId, reason, answers }) =>
    `在 \`GET /v1/attention?${orderId === undefined ? `reason=${reason}` : `orderId=${orderId}`}\` 找到它，用 \`POST /v1/attention/{attentionId}/resolve\` 答复：${answers}`,
  start: {
    order: ({ orderId, run }) => `订单 ${orderId}${run > 1 ? `（第 ${run} 次流程）` : ''}`,
    money: (transactionId) => `迟到或多余付款 ${transactionId}`,
    refund: (refundId) => `退款 ${refundId}`,
    facts: ({ state, deliverBy, liveSessionId, pickupPointId, region, campaignIds }) => [
      `接手时 ${states[state]}`,
      `承诺 ${deliverBy} 前送达`,
      ...(liveSessionId === null ? [] : [`直播场次 \`${liveSessionId}\``]),
      ...(pickupPointId === null ? [] : [`自提点 \`${pickupPointId}\``]),
      ...(region === null ? [] : [`区域 \`${region}\``]),
      ...(campaignIds.length === 0 ? [] : [`预售 \`${campaignIds.join(' ')}\``]),
    ],
  },
  steps: {
    adoptHold: '认领接单时的库存锁定',
    endHold: '到点未付：结束锁定',
    plan: '按温层拆单，为每一份选路线',
    reviewPromises: '核对哪些承诺已逾期',
    close: '收尾：核对是否了结、有无待退的订舱',
    book: (part) => `订舱：${part}`,
    unbook: ({ shipmentId, carrierId }) => `退舱：${shipmentId}，承运商 ${carrierId}`,
    park: (name) => `转人工：${name}`,
    decideMoney: '有货则重新锁定，无货则退款',
    requestRefund: '请支付渠道退款',
    queryRefund: '查询退款结果',
    until: ({ waitsFor, until }) => `等${waitsFor}，至 ${until}`,
  },
  notices: {
    payment: {
      title: '待支付',
      waitsFor: '买家付款',
      next: '付款后按温层拆单并订舱；到点未付则释放库存，订单过期',
    },
    planning: {
      title: '已支付，拆单中',
      waitsFor: '按温层拆单并选路线',
      next: '订舱；没有货或没有路线则转人工',
    },
    booking: (parts) => ({
      title: '订舱中',
      waitsFor: `承运商答复：${parts}`,
      next: '订上后等待送达；约四分钟仍不成则转人工（订舱失败）',
    }),
    delivery: (parts) => ({
      title: '履约中',
      waitsFor: `送达：${parts}`,
      next: '全部送达后了结；过了承诺仍未送达则转人工（逾期未达）',
    }),
    goods: {
      title: '等预售到货',
      waitsFor: '预售商品到货',
      next: '到货后按温层拆单并订舱；到期仍无货则转人工（预售逾期）',
    },
    parked: ({ name, subject, unlessTold }) => ({
      title: `待人工：${name}`,
      waitsFor: `运营处理 ${subject}`,
      next: unlessTold,
    }),
    unbooking: {
      title: '退舱中',
      waitsFor: '承运商取消订舱',
      next: '取消后了结；约四分钟仍不成则转人工（退舱失败）',
    },
    ended: (state) => `### ${state}\n已了结，无需处理。`,
    deciding: {
      title: '迟到或多余付款',
      waitsFor: '核对库存',
      next: '有货则按原承诺重新锁定，无货则退款',
    },
    decided: {
      reheld: '### 已重新锁定\n货还在：订单按原承诺继续，见它的下一次流程。',
      refunding: '### 退款中\n货已不在或无需付款：钱原路退回，见退款流程。',
      alreadyDecided: '### 已处理\n这笔钱先前已有结论。',
    },
    refund: {
      title: '退款中',
      waitsFor: '支付渠道确认退款',
      next: '确认后了结；拒绝或迟迟不确认则转人工（退款失败）',
    },
    refunded: '### 已退款\n支付渠道已确认，无需处理。',
  },
};
