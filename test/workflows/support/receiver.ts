import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface ReceivedMessage {
  webhookId: string;
  type: string;
  subject: string;
  at: number;
}

export interface Receiver {
  url: string;
  /** What came and was signed with the secret, in the order of arrival; bad signatures are answered 401. */
  messages: ReceivedMessage[];
  /** Their bodies, word for word. */
  bodies: string[];
  secret: string;
  /** The status of the next answers; `never` keeps the sender waiting. */
  answerWith: number | 'never';
  close(): Promise<void>;
}

/** A shop or supplier that verifies with the standard's own library. */
export async function openReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const event = verify(body, request.headers);
      if (event === null) return response.writeHead(401).end();
      receiver.bodies.push(body);
      receiver.messages.push({ ...event, at: Date.now() });
      if (receiver.answerWith === 'never') return undefined;
      return response.writeHead(receiver.answerWith).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages: [],
    bodies: [],
    secret: '',
    answerWith: 204,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };

  function verify(body: string, headers: IncomingHttpHeaders): Omit<ReceivedMessage, 'at'> | null {
    try {
      const event = new Webhook(receiver.secret).verify(body, headers as Record<string, string>) as {
        id: string;
        type: string;
        subject: string;
      };
      return { webhookId: String(headers['webhook-id']), type: event.type, subject: event.subject };
    } catch {
      return null;
    }
  }
  return receiver;
}
