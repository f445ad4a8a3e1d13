import { createHash } from 'node:crypto';
import type { ErrorDocument } from '../storage/remote/protocol.ts';

const headers = { 'content-type': 'application/json; charset=utf-8', 'x-content-type-options': 'nosniff' };
/** Returns the headers of a text. With its length, a client finds out whether it has all of it. */
const headersOf = (body: string) => ({ ...headers, 'content-length': `${Buffer.byteLength(body)}` });

/** Answers that nothing may keep. */
export const notKept = 'no-store';
/** Answers that never change: a client may keep them, but no cache that others share, because reading needs a permission. */
const keptForever = 'private, max-age=31536000, immutable';

/** Answers with a document that may change. */
export function changing(document: object): Response {
  const body = JSON.stringify(document);
  return new Response(body, { headers: { ...headersOf(body), 'cache-control': notKept } });
}

/** Answers with a document that never changes, or that the client has it already. */
export function unchanging(request: Request, document: object): Response {
  const body = JSON.stringify(document);
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  const known = request.headers.get('if-none-match')?.split(',') ?? [];
  const kept = { 'cache-control': keptForever, etag };
  const isKnown = known.some((one) => one.trim().replace(/^W\//, '') === etag);
  return isKnown
    ? new Response(null, { status: 304, headers: { ...headers, ...kept } })
    : new Response(body, { headers: { ...headersOf(body), ...kept } });
}

/** Refuses a request. */
export function refusal(
  status: number,
  code: string,
  message: string,
  others: Readonly<Record<string, string>> = {},
): Response {
  const document: ErrorDocument = { error: { code, message } };
  const body = JSON.stringify(document);
  return new Response(body, { status, headers: { ...headersOf(body), 'cache-control': notKept, ...others } });
}
