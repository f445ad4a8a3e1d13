import type { StoredCommand } from '../recorder.ts';
import type { Row } from './rows.ts';

/** Columns: key, timestamp, fingerprint, outcome. A missing row stands for no command. */
export function toCommand(row: Row | undefined): StoredCommand | undefined {
  if (row === undefined) return undefined;
  const [key, timestamp, fingerprint, outcome] = row;
  return { key, timestamp: Number(timestamp), fingerprint, outcome } as StoredCommand;
}
