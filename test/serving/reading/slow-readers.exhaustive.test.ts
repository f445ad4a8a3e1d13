import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Aggregate, Application, type DomainEvent, run, System } from 'kahn';
import { serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { heldBytes } from '../../support/growth.ts';
import { until } from '../../support/until.ts';
import { TestServer } from '../test-server.ts';

type PageEvent = DomainEvent<'Page.Filled', { text: string }>;
class Page extends Aggregate<PageEvent> {}
class Pages extends Application<PageEvent> {
  static readonly applicationName = 'pages';
  static readonly emits = ['Page.Filled'] as const;
}

/** Number of clients that ask for a section of some 4 MB and take nothing of it: 400 MB in all, if they got it. */
const clients = 100;
/** Texts and bytes of the answers that wait are in memory once each. */
const mostBytes = 2 * 64_000_000 + 20_000_000;

test('clients that do not take large sections hold a bounded memory, and are cut off', async () => {
  const runner = await run(System.of([[Pages]], { name: 'books' }));
  onTestFinished(() => runner.close());
  const text = 'x'.repeat(200_000);
  for (let i = 0; i < 20; i += 1) await runner.get(Pages).save(Page.create('Page.Filled', { text }));
  const server = await TestServer.listen();
  server.handler = serveLogs(runner, { applications: [Pages], authorize: () => true, maxSize: 10_000_000 });
  const before = heldBytes();
  const { port } = new URL(server.url);
  const sockets: Socket[] = [];
  for (let i = 0; i < clients; i += 1) {
    const socket = connect(Number(port), '127.0.0.1').pause();
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('GET /logs/pages/0/sections/1,20 HTTP/1.1\r\nhost: localhost\r\n\r\n');
    sockets.push(socket);
  }
  const statusOf = async (path: string) => {
    const answer = await fetch(`${server.url}/pages/0${path}`);
    await answer.text();
    return answer.status;
  };
  await until('others are refused', async () => (await statusOf('/sections/1,20')) === 503);
  expect(heldBytes() - before).toBeLessThan(mostBytes);
  expect(await statusOf('')).toBe(200); // the end of the log is a small answer
  await expect.poll(() => heldBytes() - before, { interval: 1_000 }).toBeLessThan(20_000_000);
  expect(await statusOf('/sections/1,20')).toBe(200);
});
