import { connect } from 'node:http2';

export interface Health {
  ok: boolean;
  reason: string;
}

/** gRPC frame of HealthCheckRequest { service: "temporal.api.workflowservice.v1.WorkflowService" }. */
const service = Buffer.from('temporal.api.workflowservice.v1.WorkflowService');
const message = Buffer.concat([Buffer.from([0x0a, service.length]), service]);
const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
/** HealthCheckResponse { status: SERVING }. */
const serving = Buffer.from([0x08, 0x01]);

/**
 * Asks Temporal's own gRPC health service, over plain HTTP/2: the SDK's client is a heavy thing to load for one
 * yes or no. Never throws; answers within `timeoutMs`.
 */
export function checkTemporal(address: string | undefined, timeoutMs = 1000): Promise<Health> {
  if (address === undefined) return Promise.resolve({ ok: false, reason: 'TEMPORAL_ADDRESS is not set' });
  return new Promise((resolve) => {
    const session = connect(`http://${address}`);
    const timer = setTimeout(() => finish({ ok: false, reason: `no answer in ${timeoutMs} ms` }), timeoutMs);
    const finish = (health: Health) => {
      clearTimeout(timer);
      session.destroy();
      resolve(health);
    };
    const fail = (error: Error & { code?: string }) =>
      finish({ ok: false, reason: error.code ?? 'connection broken' });
    session.on('error', fail);
    // asked once connected, so that a refused connection is told as such and not as a cancelled stream
    session.on('connect', () => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      stream.on('error', fail);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const isServing = Buffer.concat(chunks).subarray(5).equals(serving);
        finish(isServing ? { ok: true, reason: 'serving' } : { ok: false, reason: 'not serving' });
      });
      stream.end(frame);
    });
  });
}
