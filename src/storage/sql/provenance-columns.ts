import type { Cause } from '../../domain/provenance.ts';

/**
 * The cause of an event as columns of a table: application name, pipeline, notification id. All are null if the event
 * has no cause, and the pipeline is null if it is the event's own.
 */
export type CauseColumns = readonly [name: string | null, pipelineId: number | null, id: number | null];

const noCause: CauseColumns = [null, null, null];

/** Returns the cause of an event in the log of `pipelineId` as columns. */
export function causeColumns(cause: Cause | undefined, pipelineId: number): CauseColumns {
  if (cause === undefined) return noCause;
  const { applicationName, notificationId } = cause;
  return [applicationName, cause.pipelineId === pipelineId ? null : cause.pipelineId, notificationId];
}

/** Returns the cause that {@link causeColumns} encoded. Throws if the columns are damaged. */
export function causeOf(
  [name, causePipelineId, id]: readonly unknown[],
  pipelineId: number,
): Cause | undefined {
  if (name === null && causePipelineId === null && id === null) return undefined;
  const cause = { applicationName: name, pipelineId: causePipelineId ?? pipelineId, notificationId: id };
  const isComplete = typeof name === 'string' && name !== '' && isId(cause.pipelineId, 0) && isId(id, 1);
  if (isComplete) return cause as Cause;
  throw new Error(`its cause is ${JSON.stringify(cause)}`);
}

function isId(value: unknown, smallest: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= smallest;
}

const textMark = 0xff; // never the first byte of a UUID that is stored as bytes
const storedAsBytes = /^(?!ff)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes a correlation id: the 16 bytes of a UUID in lower case, or the byte 0xff and the text as UTF-8. */
export function correlationBytes(correlationId: string): Uint8Array {
  if (storedAsBytes.test(correlationId)) return Buffer.from(correlationId.replaceAll('-', ''), 'hex');
  return Buffer.concat([Buffer.of(textMark), Buffer.from(correlationId)]);
}

/** Decodes a correlation id, given its bytes or their hexadecimal digits. Throws if they are damaged. */
export function correlationIdOf(stored: Uint8Array | string): string {
  const hex = typeof stored === 'string' ? stored : hexOf(stored);
  if (hex.startsWith('ff')) return utf8.decode(Buffer.from(hex.slice(2), 'hex'));
  if (hex.length !== 32) throw new Error(`its correlation id is 0x${hex}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}
