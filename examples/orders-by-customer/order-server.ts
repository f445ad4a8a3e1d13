import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { OrderDesk } from './order-desk.ts';

/** Status and content of an answer. */
interface Answer {
  readonly status: number;
  readonly content: unknown;
}

/** Longest body of a request, in bytes. */
const longestBody = 10_000;

/** Serves `POST /orders` with `{ "customer": "ada" }`, and `GET /customers/ada/orders`. */
export function orderServer(desk: OrderDesk): Server {
  return createServer(async (request, response) => {
    const { status, content } = await answerTo(request, desk).catch(failure);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
  });
}

async function answerTo(request: IncomingMessage, desk: OrderDesk): Promise<Answer> {
  const { method, url = '/' } = request;
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === '/orders' && method === 'POST') return await place(await bodyOf(request), desk);
  const [, customer] = /^\/customers\/([^/]+)\/orders$/.exec(pathname) ?? [];
  if (customer === undefined || method !== 'GET') return refusal(404, `There is no ${method} ${pathname}.`);
  return { status: 200, content: await desk.ordersOf(decodeURIComponent(customer)) };
}

/** Answers with 201 if the order is in the list of its customer, and with 202 if it will be. */
async function place(body: string | undefined, desk: OrderDesk): Promise<Answer> {
  if (body === undefined) return refusal(413, `Send at most ${longestBody} bytes.`);
  const customer = customerIn(body);
  if (customer === undefined) return refusal(400, 'Send JSON such as { "customer": "ada" }.');
  const { id, isListed } = await desk.place(customer);
  return { status: isListed ? 201 : 202, content: { id } };
}

/** Reads the body of a request; undefined if it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= longestBody) chunks.push(chunk);
  }
  return length <= longestBody ? Buffer.concat(chunks).toString() : undefined;
}

function customerIn(body: string): string | undefined {
  try {
    const { customer } = JSON.parse(body) as { readonly customer?: unknown };
    return typeof customer === 'string' && customer !== '' ? customer : undefined;
  } catch {
    return undefined;
  }
}

function failure(error: unknown): Answer {
  if (error instanceof URIError) return refusal(400, 'The path is not encoded correctly.');
  console.error(error);
  return refusal(500, 'The shop failed. Try again.');
}

function refusal(status: number, error: string): Answer {
  return { status, content: { error } };
}
