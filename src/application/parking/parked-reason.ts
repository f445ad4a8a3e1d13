import type { ParkedContent, ParkedKey } from '../../storage/parked.ts';
import { type PortableError, portable } from '../../util/portable-error.ts';

/** An error on which an application parked a notification, as storage keeps it. */
export interface ParkedFailure {
  /** Name of the error's class. */
  readonly name: string;
  /** The first 4,000 characters of the message, and of those of the causes. */
  readonly message: string;
  readonly code?: string;
  /** The first 4,000 characters of the stack. */
  readonly stack?: string;
}

/** Why a notification is parked: the error on which the policy failed, or the notification behind which it is parked. */
export interface ParkedReason {
  readonly error?: ParkedFailure;
  readonly behind?: ParkedKey;
}

/** Characters of a message or a stack that are kept. */
const mostCharacters = 4_000;

/** Encodes the error on which a policy failed. */
export function reasonOfFailure(thrown: unknown): string {
  const { name, message, stack, fields, cause } = portable(thrown);
  const { code } = fields;
  const error: ParkedFailure = {
    name,
    message: withCauses(message, cause).slice(0, mostCharacters),
    ...(typeof code === 'string' && { code: code.slice(0, mostCharacters) }),
    ...(stack !== undefined && { stack: stack.slice(0, mostCharacters) }),
  };
  return encode({ error });
}

/** Adds the messages of causes, because `fetch()` and query builders say only in the cause why something failed. */
function withCauses(message: string, cause: PortableError | undefined): string {
  if (cause === undefined) return message;
  const reason = withCauses(cause.message, cause.cause);
  return message.includes(reason) ? message : `${message}: ${reason}`;
}

/** Encodes the notification behind which another one is parked. */
export function reasonBehind({ upstreamName, notificationId }: ParkedKey): string {
  return encode({ behind: { upstreamName, notificationId } });
}

/** Decodes what {@link reasonOfFailure} and {@link reasonBehind} return; a damaged text is the message of an error. */
export function parkedReasonOf(reason: string): ParkedReason {
  const message = `The recorded reason is damaged: ${reason.slice(0, mostCharacters)}`;
  return readReason(reason) ?? { error: { name: 'DamagedReasonError', message } };
}

/** Decodes the reason for which a notification is parked; undefined if the text is damaged. */
export function readReason(text: string): ParkedReason | undefined {
  try {
    const { error, behind } = JSON.parse(text) as ParkedReason;
    if (behind !== undefined)
      return typeof behind.upstreamName === 'string' && Number.isInteger(behind.notificationId)
        ? { behind }
        : undefined;
    return typeof error?.name === 'string' && typeof error.message === 'string' ? { error } : undefined;
  } catch {
    return undefined;
  }
}

function encode(reason: ParkedReason): string {
  return JSON.stringify(reason);
}

/** Returns the content of a notification that is parked now, and not due. */
export function parkedContent(
  originatorId: string,
  attempts: number,
  reason: string,
  since: number,
): ParkedContent {
  return { originatorId, isDue: false, attempts, since, reason };
}
