import { join } from 'node:path';
import type { ProcessSpec } from '../processSpec';
import type { Secrets } from '../secrets';

const entry = join(__dirname, '..', '..', 'main.js');

interface OutsideOptions {
  name: 'sandbox-payment' | 'sandbox-carrier';
  port: number;
  home: string;
  secrets: Secrets;
}

/** A partner: somebody else's server, which shares with the product nothing but the secret they sign with. */
export function outsideSpec({ name, port, home, secrets }: OutsideOptions): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: [entry, 'sandbox', name.replace('sandbox-', ''), '--port', String(port)],
    env: {
      PATH: process.env.PATH,
      XIANDA_MODE: 'development',
      XIANDA_HOME: home,
      SANDBOX_PAYMENT_SECRET: secrets.SANDBOX_PAYMENT_SECRET,
      SANDBOX_CARRIER_SECRET: secrets.SANDBOX_CARRIER_SECRET,
      SANDBOX_CARRIER_AUTO: 'on',
    },
    stopSignal: 'SIGTERM',
    isReady: 'reports',
  };
}
