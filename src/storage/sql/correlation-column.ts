import { DamagedColumn } from './damage.ts';

/** First byte of a text. A UUID that begins with it is kept as a text. */
const textMark = 0xff;
const uuidBytes = 16;
const keptAsBytes = /^(?!ff)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The correlation id of an event as a column of a table: the 16 bytes of a UUID in lower case, else 0xff and the text in
 * UTF-8; null if it has none.
 */
export function correlationBytes(correlationId: string | undefined): Buffer | null {
  if (correlationId === undefined) return null;
  if (keptAsBytes.test(correlationId)) return Buffer.from(correlationId.replaceAll('-', ''), 'hex');
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(correlationId));
  bytes[0] = textMark;
  bytes.write(correlationId, 1);
  return bytes;
}

/**
 * Returns the correlation id that {@link correlationBytes} encoded.
 *
 * @throws {@link DamagedColumn} if it cannot be decoded.
 */
export function correlationIdOf(column: unknown): string {
  if (!(column instanceof Uint8Array)) throw new DamagedColumn('correlation_id', column);
  if (column[0] === textMark) return textOf(column);
  if (column.length !== uuidBytes) throw new DamagedColumn('correlation_id', column);
  const hex = Buffer.from(column.buffer, column.byteOffset, uuidBytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function textOf(column: Uint8Array): string {
  try {
    return decoder.decode(column.subarray(1));
  } catch (cause) {
    throw new DamagedColumn('correlation_id', column, { cause });
  }
}
