import { resolveAttention } from '../../src/db/attentionResolve';
import { cancelOrder } from '../../src/db/cancel';
import { recordShipmentEvent } from '../../src/db/fulfilment';
import { type GivenOrder, givenOrder, givenPaidOrder, givenPayment } from '../support/fixtures';
import { type EchoingCarrier, everyEcho, openEchoingCarrier } from './support/echoingCarrier';
import { findLeaks, formsOf, readEverything } from './support/leaks';
import { type Stage, eventually, openStage } from './support/stage';

/**
 * Nothing that says who a buyer is reaches Temporal, where nothing is encrypted: orders of one well-marked buyer go
 * every way, with a carrier that repeats what it is told, and all that Temporal keeps of them is searched.
 */
const markers = {
  name: '欧阳測試乙 Quillfeather',
  phone: '13912340077',
  province: 'Provinz Übelmark',
  city: '榴莲市',
  district: 'Distrikt Wendewald',
  door: '幸福里88号3幢1201室 Zanzibar',
  'shop’s name of the buyer': 'openid/oX9-wechat_7741',
  'order number of the shop': '张三的订单 #5521',
  'buyer’s note': '放门口 Kniphofia, 谢谢',
  'seller’s note': 'Geschenk für Frau Eisvogel',
  'what was said about it': 'Frau Eisvogel rief an: 13912340077',
};

let stage: Stage;
let carrier: EchoingCarrier;
let placed = 0;
beforeAll(async () => {
  stage = await openStage();
  carrier = await openEchoingCarrier();
  await stage.database.query('UPDATE carrier SET base_url = $2 WHERE tenant = $1', [
    stage.tenant,
    carrier.url,
  ]);
  await stage.startWorker({ partnerRetrySeconds: 2 });
  await stage.startDispatch();
});
afterAll(async () => {
  await stage.close();
  await carrier.close();
});

function markedOrder(given: GivenOrder = {}): GivenOrder {
  placed += 1;
  return {
    externalId: `${markers['order number of the shop']} ${placed}`,
    lines: { milk: 1 },
    ...given,
    buyer: {
      ref: `${markers['shop’s name of the buyer']} ${placed}`,
      name: markers.name,
      phone: markers.phone,
      address: {
        province: markers.province,
        city: markers.city,
        district: markers.district,
        detail: markers.door,
      },
    },
    notes: { buyer: markers['buyer’s note'], seller: markers['seller’s note'] },
  };
}

const paid = async () => (await givenPaidOrder(stage.database, stage.tenant, markedOrder())).orderId;
const said = markers['what was said about it'];

const booked = (orderId: string) =>
  eventually(async () => {
    const shipments = await stage.shipments(orderId);
    return shipments.length > 0 && shipments.every(({ state }) => state === 'booked');
  });

async function deliverWithWords(orderId: string): Promise<void> {
  for (const { shipment_id: shipmentId } of await stage.shipments(orderId))
    for (const kind of ['pickedUp', 'delivered'] as const)
      await recordShipmentEvent(stage.database.as('xianda_app'), {
        tenant: stage.tenant,
        source: 'test',
        eventId: `${shipmentId}-${kind}`,
        shipmentId,
        kind,
        at: new Date(),
        place: markers.door,
        bodyDigest: Buffer.alloc(32, kind),
      });
}

async function goEveryWay(): Promise<void> {
  const { database, tenant } = stage;
  const app = database.as('xianda_app');
  await givenOrder(database, tenant, markedOrder());
  const expired = await givenOrder(database, tenant, markedOrder({ paymentWindowSeconds: 1 }));

  carrier.echo(...everyEcho);
  const echoed = await Promise.all(everyEcho.map(paid));
  for (const orderId of echoed) await booked(orderId);
  await deliverWithWords(echoed[0] as string);

  // its label cannot be opened: the fault is ours, and tried again while we look
  const unopened = await givenOrder(database, tenant, markedOrder());
  await database.query(`UPDATE recipient SET sealed = sealed || '\\x00'::bytea WHERE order_id = $1`, [
    unopened.orderId,
  ]);
  await givenPayment(database, tenant, { orderId: unopened.orderId, amountFen: unopened.totalFen });

  await stage.misbehave(stage.payment, { route: 'refund', behaviour: 'refuse', count: 1 });
  const cancelled = echoed[1] as string;
  await cancelOrder(app, { tenant, orderId: cancelled, reason: said, actor: 'test' });
  await eventually(async () => (await stage.attention(cancelled)).includes('refundFailed'));
  const [refund] = await database.query<{ attention_id: string }>(
    `SELECT attention_id FROM attention WHERE reason = 'refundFailed'`,
  );
  const attentionId = refund?.attention_id as string;
  await resolveAttention(app, { tenant, attentionId, action: 'retry', detail: said, actor: 'test' });
  await eventually(async () => {
    const { refunded_fen, paid_fen } = await stage.order(cancelled);
    return refunded_fen === paid_fen;
  });

  await eventually(async () => (await stage.order(expired.orderId)).state === 'expired');
  await givenPayment(database, tenant, { orderId: expired.orderId, amountFen: expired.totalFen });
  await booked(expired.orderId);
}

async function listWorkflows(): Promise<string[]> {
  const ids = new Set<string>();
  const query = `TaskQueue = '${stage.config.temporalTaskQueue}'`;
  for await (const { workflowId } of stage.client.workflow.list({ query })) ids.add(workflowId);
  return [...ids].sort();
}

test('nothing of a buyer stands in Temporal, whatever happens to their order', async () => {
  await goEveryWay();
  // there was something to leak, and somebody who repeated it
  for (const marker of [markers.name, markers.phone, markers.door]) expect(carrier.told()).toContain(marker);
  let workflows: string[] = [];
  await eventually(async () => (workflows = await listWorkflows()).length >= everyEcho.length + 5);
  const kinds = new Set(workflows.map((id) => id.split(':')[0]));
  expect([...kinds].sort()).toEqual(['money', 'order', 'refund']);
  const leaks: string[] = [];
  for (const workflowId of workflows) {
    const places = await readEverything(stage.client, workflowId);
    // a search of nothing finds nothing
    expect(places.every(([, bytes]) => bytes.length > 0)).toBe(true);
    leaks.push(...findLeaks(places, markers).map((leak) => `${workflowId}: ${leak}`));
  }
  expect(leaks).toEqual([]);
  const faults = await failuresOf(workflows);
  expect(faults.some((text) => text.includes('answered 500'))).toBe(true);
});

/** What went wrong on the way, as the Web UI shows it. */
async function failuresOf(workflows: string[]): Promise<string[]> {
  const described = await Promise.all(
    workflows.map((workflowId) => stage.client.workflow.getHandle(workflowId).fetchHistory()),
  );
  return described.flatMap(({ events }) =>
    (events ?? []).map((event) =>
      JSON.stringify(event.activityTaskStartedEventAttributes?.lastFailure ?? ''),
    ),
  );
}

test.each(formsOf(markers.door))('a leak as %s text would be found', async (form, texts) => {
  const workflowId = `leaky:${stage.tenant}/${form}`;
  await stage.client.workflow.start('refundWorkflow', {
    workflowId,
    taskQueue: 'nobody',
    args: [{ tenant: stage.tenant, refundId: `x${texts[0]}y` }],
    memo: { note: `x${texts.at(-1)}y` },
    staticDetails: texts[0],
  });
  const handle = stage.client.workflow.getHandle(workflowId);
  const places = (await readEverythingUnheard(workflowId)).filter(([, bytes]) => bytes.length > 0);
  const leaks = findLeaks(places, { door: markers.door });
  await handle.terminate('the test is over');
  expect(leaks).toEqual(
    expect.arrayContaining([`door, ${form}, in history`, `door, ${form}, in description`]),
  );
});

/** Nobody answers the queries of a workflow without a worker. */
async function readEverythingUnheard(workflowId: string): Promise<[string, Buffer][]> {
  const patience = Date.now() + 500;
  return stage.client.connection.withDeadline(patience, () => readEverything(stage.client, workflowId));
}
