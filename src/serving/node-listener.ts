import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { clearInterval, setInterval } from 'node:timers';
import { refusal } from './answers.ts';
import type { LogHandler } from './serve-logs.ts';

/** Interval at which a request that waits looks whether its server is closed, in ms. A server has no event for it. */
const lookIntervalMs = 200;

/**
 * Returns a listener for `createServer()` of `node:http` and `node:https` that answers with a handler. When
 * the server is closed, requests that wait are answered, and connections end.
 *
 * @example
 * import { createServer } from 'node:http';
 * await using runner = await run(shop, { storage: memory() });
 * const handler = serveLogs(runner, { applications: [Orders], authorize: () => true });
 * await using server = createServer(nodeListener(handler)).listen(0);
 */
export function nodeListener(handler: LogHandler): RequestListener {
  return (incoming, outgoing) => {
    const { server } = incoming.socket as { server?: unknown };
    const isClosing = () => server instanceof Server && !server.listening;
    respond(handler, incoming, outgoing, isClosing).catch(() => outgoing.destroy());
  };
}

async function respond(
  handler: LogHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isClosing: () => boolean,
): Promise<void> {
  incoming.resume(); // a body is of no use
  const closed = new AbortController();
  outgoing.once('close', () => closed.abort());
  const request = requestOf(incoming, closed.signal);
  const looking = setInterval(() => isClosing() && closed.abort(), lookIntervalMs);
  outgoing.once('close', () => clearInterval(looking));
  const response =
    request === undefined
      ? refusal(400, 'INVALID_REQUEST', 'The request is invalid.')
      : await handler(request);
  if (isClosing() && incoming.httpVersionMajor === 1) outgoing.setHeader('connection', 'close');
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  else await pipeline(response.body, outgoing);
}

/** Returns the request as the fetch standard knows it; undefined if it is none. */
function requestOf({ headers, method, url }: IncomingMessage, signal: AbortSignal): Request | undefined {
  try {
    const sent = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith(':') || value === undefined) continue; // pseudo-headers of HTTP/2
      sent.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
    return new Request(new URL(url ?? '/', 'http://localhost'), {
      headers: sent,
      signal,
      ...(method && { method }),
    });
  } catch {
    return undefined;
  }
}
