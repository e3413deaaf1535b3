import { envelopeOf, eventEnvelope } from '../../../src/clients/webhook/eventWire';

test('an event is a CloudEvents 1.0 document, the same each time it is made', () => {
  const event = {
    tenant: 'farm',
    eventId: 'e1',
    type: 'order.paid',
    subject: 'o1',
    at: new Date('2026-11-25T03:00:00Z'),
    data: { orderId: 'o1' },
  };
  const envelope = envelopeOf(event);
  expect(eventEnvelope.parse(envelope)).toEqual({
    specversion: '1.0',
    id: 'e1',
    source: 'urn:xianda:farm',
    type: 'order.paid',
    subject: 'o1',
    time: '2026-11-25T03:00:00.000Z',
    datacontenttype: 'application/json',
    data: { orderId: 'o1' },
  });
  expect(JSON.stringify(envelopeOf(event))).toBe(JSON.stringify(envelope));
});
