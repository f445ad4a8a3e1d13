import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { clearInterval, setInterval } from 'node:timers';
import { refusal } from './answers.ts';
import type { LogHandler } from './serve-logs.ts';

/** Interval at which a request that waits looks whether its server is closed, in ms. A server has no event for it. */
const lookIntervalMs = 200;

/** Size of the answers that clients have not taken yet, in bytes, from which on others get the status 503. */
const mostUntakenBytes = 64_000_000;
/** Time after which a client that takes nothing of its answer is cut off, in ms. */
const longestPauseMs = 30_000;

/**
 * Returns a listener for `createServer()` of `node:http` and `node:https` that answers with a handler. When
 * the server is closed, requests that wait are answered, and connections end. Clients that do not take their answers are
 * cut off after 30 s, and hold 64 MB at most.
 *
 * @example
 * import { createServer } from 'node:http';
 * await using runner = await run(shop, { storage: memory() });
 * const handler = serveLogs(runner, { applications: [Orders], authorize: () => true });
 * await using server = createServer(nodeListener(handler)).listen(0);
 */
export function nodeListener(handler: LogHandler): RequestListener {
  let untakenBytes = 0;
  /** Sends a response, unless clients take too little of what is sent to them. */
  const sendOne = async (response: Response, outgoing: ServerResponse): Promise<void> => {
    const bytes = Number(response.headers.get('content-length'));
    if (untakenBytes > 0 && untakenBytes + bytes > mostUntakenBytes) {
      await response.body?.cancel();
      await send(tooMuchUntaken(), outgoing);
      return;
    }
    untakenBytes += bytes;
    try {
      await send(response, outgoing);
    } finally {
      untakenBytes -= bytes;
    }
  };
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { server } = incoming.socket as { server?: unknown };
    const isClosing = () => server instanceof Server && !server.listening;
    const response = await responseTo(handler, incoming, outgoing, isClosing);
    if (isClosing() && incoming.httpVersionMajor === 1) outgoing.setHeader('connection', 'close');
    outgoing.prependOnceListener('finish', () => liftPauseLimit(incoming, server));
    await sendOne(response, outgoing);
  };
  return (incoming, outgoing) => void respond(incoming, outgoing).catch(() => outgoing.destroy());
}

function tooMuchUntaken(): Response {
  return refusal(503, 'TOO_MUCH_UNTAKEN', 'Try again later.', { 'retry-after': '1' });
}

/** Calls a handler. The request is aborted when its client goes or the server closes. */
async function responseTo(
  handler: LogHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isClosing: () => boolean,
): Promise<Response> {
  incoming.resume(); // a body is of no use
  const closed = new AbortController();
  outgoing.once('close', () => closed.abort());
  const request = requestOf(incoming, closed.signal);
  if (request === undefined) return refusal(400, 'INVALID_REQUEST', 'The request is invalid.');
  const looking = setInterval(() => isClosing() && closed.abort(), lookIntervalMs);
  outgoing.once('close', () => clearInterval(looking));
  return handler(request);
}

async function send({ status, headers, body }: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(status, Object.fromEntries(headers));
  outgoing.setTimeout(longestPauseMs, () => outgoing.destroy());
  if (body === null) outgoing.end();
  else await pipeline(body, outgoing);
}

/**
 * Gives a connection the time limit of its server again: the limit for an answer would end the next request, which may wait
 * longer. Must be called before the listener of Node, which then limits the time without a request.
 */
function liftPauseLimit({ httpVersionMajor, socket }: IncomingMessage, server: unknown): void {
  if (httpVersionMajor === 1)
    socket.setTimeout((server as { readonly timeout?: number } | undefined)?.timeout ?? 0);
}

/** Returns the request as the fetch standard knows it; undefined if it is none. */
function requestOf(
  { headers, method, url = '/' }: IncomingMessage,
  signal: AbortSignal,
): Request | undefined {
  try {
    const sent = new Headers();
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith(':') || value === undefined) continue; // pseudo-headers of HTTP/2
      sent.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
    // Not the second argument of URL(), for which `//name/path` is the path of another host.
    return new Request(url.startsWith('/') ? `http://localhost${url}` : url, {
      headers: sent,
      signal,
      ...(method && { method }),
    });
  } catch {
    return undefined;
  }
}
