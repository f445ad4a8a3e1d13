import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { nodeListener } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';

/** Sends one request after the other on one connection. Returns the connection, and the answers of the server. */
async function connected(limits: { readonly keepAliveTimeout: number; readonly timeout: number }) {
  const asked: PromiseWithResolvers<Response>[] = [];
  const handler = () => {
    const answer = Promise.withResolvers<Response>();
    asked.push(answer);
    return answer.promise;
  };
  const server = Object.assign(createServer(nodeListener(handler)), limits).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const connections: Socket[] = [];
  server.on('connection', (socket) => connections.push(socket));
  const ask = async () => {
    const answer = Promise.withResolvers<string>();
    get({ agent, port, host: '127.0.0.1' }, (incoming) => answer.resolve(text(incoming))).on(
      'error',
      answer.reject,
    );
    return await answer.promise;
  };
  return { asked, connections, ask };
}

test.each([
  { keepAliveTimeout: 0, timeout: 0 },
  { keepAliveTimeout: 0, timeout: 70_000 },
  { keepAliveTimeout: 9_000, timeout: 70_000 },
])('a request after an answer waits as long as its server allows: %o', async (limits) => {
  const { asked, connections, ask } = await connected(limits);
  const first = ask();
  await expect.poll(() => asked.length).toBe(1);
  asked[0]!.resolve(new Response('first'));
  expect(await first).toBe('first');
  const second = ask();
  await expect.poll(() => asked.length).toBe(2);
  expect(connections.map((socket) => socket.timeout ?? 0)).toEqual([limits.timeout]);
  asked[1]!.resolve(new Response('second'));
  expect(await second).toBe('second');
});
