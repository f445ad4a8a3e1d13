import type { RecordedOperation } from '../storage/recorder.ts';

/** An act of a person or a tool on an application of a system, with who did it and why. */
export interface Operation {
  readonly applicationName: string;
  /** Number of the operation among those of its application; the first is 1. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** What was done, such as 'reposition'. */
  readonly kind: string;
  /** Who did it. */
  readonly by: string;
  /** Why it was done. */
  readonly reason: string;
  /** More fields, which depend on the kind. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Decodes an operation. */
export function operationOf(applicationName: string, recorded: RecordedOperation): Operation {
  const { id, timestamp, kind, by, reason, details } = recorded;
  const fields = JSON.parse(details) as Record<string, unknown>;
  return { applicationName, id, timestamp, kind, by, reason, details: fields };
}
