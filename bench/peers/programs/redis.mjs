// Redis: one Lua script checks and takes the unit, writes the order and notes when it is due. Atomic, and as safe as
// Redis is set to be: as installed it keeps snapshots, so what was acknowledged since the last one dies with it.
import { createClient, defineScript } from 'redis';
import { paymentWindowSeconds, sku } from './seller.mjs';
import { sellThrough } from './sell.mjs';

const reserve = defineScript({
  NUMBER_OF_KEYS: 3,
  SCRIPT: `
    local available = tonumber(redis.call('HGET', KEYS[1], 'available'))
    if available < 1 then return 0 end
    if redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
    redis.call('HINCRBY', KEYS[1], 'available', -1)
    redis.call('HSET', KEYS[2], 'sku', ARGV[1], 'quantity', 1, 'state', 'awaitingPayment', 'expiresAt', ARGV[3])
    redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
    return 1`,
  parseCommand(parser, orderId, dueAt) {
    parser.pushKey(`stock:${sku}`);
    parser.pushKey(`order:${orderId}`);
    parser.pushKey('due');
    parser.push(sku, orderId, String(dueAt));
  },
  transformReply: (reply) => reply,
});

await sellThrough(async () => {
  const client = createClient({ url: process.env.REDIS_URL, scripts: { reserve } });
  client.on('error', (error) => console.error(error));
  await client.connect();
  await client.hSet(`stock:${sku}`, 'available', Number.MAX_SAFE_INTEGER);
  return {
    async place(orderId) {
      const answer = await client.reserve(orderId, Date.now() + paymentWindowSeconds * 1000);
      if (answer !== 1) throw new Error(`the script answered ${answer}`);
    },
    count: () => client.zCard('due'),
    close: () => client.close(),
  };
});
