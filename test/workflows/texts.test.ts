import { attentionRules } from '../../src/domain/order/attention';
import { languages, type Reader } from '../../src/domain/tenant/model';
import { wordingFor } from '../../src/workflows/order/texts';
import { webhookWordingFor } from '../../src/workflows/webhook/texts';

const shanghai: Reader = {
  language: 'zh',
  timeZone: 'Asia/Shanghai',
  offsets: [{ from: '2026-11-25T00:00:00.000Z', minutes: 480 }],
};

test('instants are shown on the reader’s clock, summer time and the days before included', () => {
  const berlin: Reader = {
    language: 'en',
    timeZone: 'Europe/Berlin',
    offsets: [
      { from: '2026-09-01T00:00:00.000Z', minutes: 120 },
      { from: '2026-10-25T01:00:00.000Z', minutes: 60 },
    ],
  };
  expect(wordingFor(shanghai).at('2026-11-25T16:30:59.000Z')).toBe('2026-11-26 00:30');
  expect(wordingFor(berlin).at('2026-10-25T00:59:00.000Z')).toBe('2026-10-25 02:59');
  expect(wordingFor(berlin).at('2026-10-25T01:00:00.000Z')).toBe('2026-10-25 02:00');
  expect(wordingFor(berlin).at('2026-08-31T10:00:00.000Z')).toBe('2026-08-31 12:00');
  // workflows from before there was a reader
  expect(wordingFor(undefined).at('2026-11-25T16:30:00.000Z')).toBe('2026-11-25 16:30');
});

test.each(languages)('in %s what is open to do is what may be done', (language) => {
  const { parked } = wordingFor({ ...shanghai, language });
  for (const [reason, { answers }] of Object.entries(parked))
    expect([reason, ...Object.keys(answers)]).toEqual([
      reason,
      ...attentionRules[reason as keyof typeof parked].actions,
    ]);
});

test('a page says what is awaited, since and until when, what comes then and what to do', () => {
  const wording = wordingFor(shanghai);
  const subject = '`o1.2`';
  const notice = wording.parkedNotice({ reason: 'bookingFailed', orderId: 'o1', subject });
  const instants = { since: '2026-11-25T12:00:00.000Z', until: '2026-11-25T12:15:00.000Z' };
  expect(wording.render(notice, instants).split('\n')).toEqual([
    '### 待人工：订舱失败',
    '- **在等** 运营处理 `o1.2`',
    '- **自** 2026-11-25 20:00',
    '- **至** 2026-11-25 20:15',
    '- **接着** 到时自动再订一次；其余部分照常配送',
    '- **怎么办** 在 `GET /v1/attention?orderId=o1` 找到它，用 `POST /v1/attention/{attentionId}/resolve` 答复：`retry` 立即再订、`refund` 取消未发的部分并退款',
    '',
    '时间均为 Asia/Shanghai',
  ]);
});

test('a summary is one line of plain text', () => {
  const { line, steps, part } = wordingFor({ ...shanghai, language: 'en' });
  const frozen = { zone: 'frozen', siteId: 'central', carrierId: 'polar', leaderId: null };
  expect(line(steps.book(part(frozen)))).toBe('book: frozen from central by carrier polar');
});

test.each(languages)(
  'in %s an endpoint’s page says what is pending, since when, when it is tried next, what to do',
  (language) => {
    const { describe } = webhookWordingFor({ ...shanghai, language });
    const round = { delivered: 0, failed: 1, pending: 7, nextAt: null, since: null };
    const down = describe('shop', {
      ...round,
      standing: 'down',
      since: '2026-11-25T12:00:00.000Z',
      nextAt: '2026-11-25T12:05:00.000Z',
    });
    for (const told of ['shop', '7', '2026-11-25 20:00', '2026-11-25 20:05', '/deliveries`'])
      expect(down).toContain(told);
    const disabled = describe('shop', { ...round, standing: 'disabled' });
    for (const action of attentionRules.webhookDisabled.actions) expect(disabled).toContain(`\`${action}\``);
    const silent = (endpointId: string) => describe(endpointId, { ...round, standing: 'awaitingSecret' });
    expect(silent('shop')).toContain('`POST /v1/webhook-endpoints/shop/secrets`');
    expect(silent('supplier:farm')).toContain('`POST /v1/suppliers/farm/webhook-secrets`');
  },
);

test('an endpoint’s workflow from before there was a reader speaks English', () => {
  const { describe, start } = webhookWordingFor();
  expect(start('shop')).toBe('webhook shop');
  const done = { delivered: 2, failed: 0, standing: 'working', pending: 0, nextAt: null } as const;
  expect(describe('shop', done).split('\n')).toEqual([
    '### Webhook shop: working',
    '- **Waits for** news',
    '- **Then** ends here; the next event starts it again',
    '',
    'Times are UTC',
  ]);
});
