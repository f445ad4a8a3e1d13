import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { run, System } from 'kahn';
import { serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { TestServer } from '../test-server.ts';
import { Sale, Sales } from '../two-systems.ts';

/** Serves a log with one sale, and returns the port. */
async function serving(): Promise<number> {
  const shop = await run(System.of([[Sales]], { name: 'shop' }));
  onTestFinished(() => shop.close());
  await shop.get(Sales).save(Sale.make(1));
  const server = await TestServer.listen();
  server.handler = serveLogs(shop, { applications: [Sales], authorize: () => true });
  return Number(new URL(server.url).port);
}

/** Sends bytes as they are. Resolves with all that is answered. */
async function answerTo(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(request);
  return text(socket);
}

const end = 'host: localhost\r\nconnection: close\r\n\r\n';
const get = (url: string, more = '') => `GET ${url} HTTP/1.1\r\n${more}${end}`;

test.each<[string, string, number]>([
  ['a plain request', get('/logs/sales/0'), 200],
  ['an absolute URL', get('http://localhost/logs/sales/0'), 200],
  ['a host in the place of a path', get('//localhost/logs/sales/0'), 404],
  ['dots that leave the path', get('/logs/../../etc/passwd'), 404],
  ['encoded dots', get('/logs/%2e%2e/logs/other/0'), 404],
  ['a backslash', get('/logs\\sales/../billing/0'), 404],
  ['a path that is none', get('logs/sales/0'), 400],
  ['a NUL', get('/logs/sales\0/0'), 400],
  ['the method TRACE', `TRACE /logs/sales/0 HTTP/1.1\r\n${end}`, 400],
  ['the method OPTIONS of the server', `OPTIONS * HTTP/1.1\r\n${end}`, 400],
  ['more headers than fit', get('/logs/sales/0', `x-long: ${'x'.repeat(17_000)}\r\n`), 431],
  [
    'a body with trailers',
    `${get('/logs/sales/0', 'transfer-encoding: chunked\r\n')}1\r\nx\r\n0\r\nx-last: 1\r\n\r\n`,
    200,
  ],
  ['two lengths', get('/logs/sales/0', 'content-length: 0\r\ncontent-length: 5\r\n'), 400],
  ['a length and chunks', get('/logs/sales/0', 'content-length: 5\r\ntransfer-encoding: chunked\r\n'), 400],
  ['a body that never comes', get('/logs/sales/0', 'content-length: 5\r\n'), 200],
])('answers %s', async (_what, request, status) => {
  const port = await serving();
  expect(await answerTo(port, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(await answerTo(port, get('/logs/sales/0'))).toContain('"head":1');
});
