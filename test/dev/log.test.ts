import { createLogger } from '../../src/log';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const destination = {
    write(line: string) {
      text += line;
    },
  };
  write(createLogger({ role: 'api', destination }));
  return text;
}

test.each([
  ['authorization header', { req: { headers: { authorization: 'Bearer hunter2' } } }],
  ['signature', { headers: { 'sandbox-signature': 'hunter2' } }],
  ['key', { key: 'hunter2' }],
  ['name', { buyer: { name: 'hunter2' } }],
  ['phone', { order: { buyer: { phone: 'hunter2' } } }],
  ['address', { address: { city: 'hunter2' } }],
  ['notes', { notes: { buyer: 'hunter2' } }],
])('%s is not written', (_what, fields) => {
  const text = logged((log) => log.info(fields, 'seen'));
  expect(text).toContain('[redacted]');
  expect(text).not.toContain('hunter2');
});

test("a driver's error is written without the row that it quotes", () => {
  const err = Object.assign(new Error('duplicate key', { cause: new Error('inner') }), {
    code: '23505',
    detail: 'Key (phone)=(hunter2) already exists.',
  });
  const text = logged((log) => log.error({ err }, 'failed'));
  expect(text).toContain('23505');
  expect(text).toContain('inner');
  expect(text).not.toContain('hunter2');
});

test('lines say who wrote them and when', () => {
  const line = JSON.parse(logged((log) => log.info('ready'))) as Record<string, unknown>;
  expect(line).toMatchObject({ level: 'info', role: 'api', pid: process.pid, msg: 'ready' });
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT/);
});
