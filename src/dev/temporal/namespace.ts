import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { type google, temporal } from '@temporalio/proto';

const { INDEXED_VALUE_TYPE_KEYWORD, INDEXED_VALUE_TYPE_KEYWORD_LIST, INDEXED_VALUE_TYPE_DATETIME } =
  temporal.api.enums.v1.IndexedValueType;
const retentionSeconds = 30 * 24 * 3600;

/**
 * What a workflow can be found by in the Web UI; never personal data. SQL visibility has room for 10 keywords and for
 * three each of every other type.
 */
const searchAttributes: Record<string, temporal.api.enums.v1.IndexedValueType> = {
  OrderStage: INDEXED_VALUE_TYPE_KEYWORD,
  Tenant: INDEXED_VALUE_TYPE_KEYWORD,
  LiveSession: INDEXED_VALUE_TYPE_KEYWORD,
  Attention: INDEXED_VALUE_TYPE_KEYWORD,
  Region: INDEXED_VALUE_TYPE_KEYWORD,
  Site: INDEXED_VALUE_TYPE_KEYWORD,
  PickupPoint: INDEXED_VALUE_TYPE_KEYWORD,
  Sites: INDEXED_VALUE_TYPE_KEYWORD_LIST,
  Campaigns: INDEXED_VALUE_TYPE_KEYWORD_LIST,
  PromisedAt: INDEXED_VALUE_TYPE_DATETIME,
};

/**
 * Brings a namespace to what the workflows need: made if missing, 30 days of retention, typed search attributes.
 * Safe to repeat and to run from several processes; also used on a server that is not ours.
 */
export async function settleNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    await connection.withDeadline(Date.now() + 60_000, async () => {
      await settleRetention(connection, namespace);
      await settleSearchAttributes(connection, namespace);
    });
  } finally {
    await connection.close();
  }
}

async function settleRetention(connection: Connection, namespace: string): Promise<void> {
  const service = connection.workflowService;
  const workflowExecutionRetentionTtl = {
    seconds: retentionSeconds as unknown as google.protobuf.IDuration['seconds'],
  };
  const described = await service.describeNamespace({ namespace }).catch(async (error: { code?: number }) => {
    if (error.code !== grpcNotFound) throw error;
    await service.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: workflowExecutionRetentionTtl,
    });
    return undefined;
  });
  const seconds = Number(described?.config?.workflowExecutionRetentionTtl?.seconds ?? retentionSeconds);
  // an operator's longer retention is left alone
  if (seconds < retentionSeconds) {
    await service.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
  }
}

async function settleSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  for (;;) {
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = Object.entries(searchAttributes).filter(
        ([name]) => !(name in (customAttributes ?? {})),
      );
      if (missing.length === 0) return;
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing),
      });
    } catch (error) {
      // somebody else added them in between, or the namespace is new and not yet known everywhere
      const { code } = error as { code?: number };
      if (code !== grpcAlreadyExists && code !== grpcNotFound) throw error;
    }
    await sleep(200);
  }
}

const grpcNotFound = 5;
const grpcAlreadyExists = 6;
