/** Identifies a parked notification of a pipeline. */
export interface ParkedKey {
  readonly upstreamName: string;
  readonly notificationId: number;
}

/** What storage keeps of a notification that an application has put aside instead of processing it. */
export interface ParkedContent {
  /** Aggregate of the notification. */
  readonly originatorId: string;
  /** Whether the application is to process it now, which it does before new notifications. */
  readonly isDue: boolean;
  /** Number of tries that have failed; 0 if it was parked behind another one. */
  readonly attempts: number;
  /** When it was parked, in milliseconds since 1970. */
  readonly since: number;
  /** The last error, or the reason for which it is parked, as JSON text of up to `limits.reasonBytes`. */
  readonly reason: string;
}

/** A parked notification of a pipeline. */
export interface ParkedNotification extends ParkedKey, ParkedContent {
  /**
   * Number in the order of parking, among all pipelines of the application. The numbers ascend, possibly with gaps. Changes
   * keep the number, and no number is given twice, also after deletions.
   */
  readonly id: number;
  /** Number of times that it was parked or changed; the first is 1. */
  readonly revision: number;
}

/**
 * Parks a notification, or changes or deletes a parked one, provided that its revision is as expected. A call of `record`
 * changes each notification at most once.
 */
export interface ParkedChange extends ParkedKey {
  /** Expected revision; 0 for a notification that is not parked. */
  readonly expected: number;
  /** The new content; undefined to delete what is parked. */
  readonly content: ParkedContent | undefined;
}

/** Selects parked notifications of a pipeline. */
export interface ParkedRequest {
  readonly pipelineId: number;
  /** Only notifications with numbers above this one; 0 for all. */
  readonly after: number;
  readonly limit: number;
  /** Only notifications of this upstream. @default all upstreams */
  readonly upstreamName?: string;
  /** Only notifications that are due, or only those that are not. @default both */
  readonly isDue?: boolean;
}

/** Number of parked notifications of an upstream. */
export interface ParkedCount {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly count: number;
}

const none: readonly ParkedChange[] = [];

/** Returns the changes of parked notifications in a call. @internal */
export function parkedChanges(
  processEvents: readonly { readonly parked?: readonly ParkedChange[] }[],
): readonly ParkedChange[] {
  let changes: ParkedChange[] | undefined;
  for (const { parked } of processEvents) {
    if (parked === undefined) continue;
    changes ??= [];
    changes.push(...parked);
  }
  return changes ?? none;
}

/** Returns the first change of a notification that an earlier change has changed; undefined if there is none. @internal */
export function repeatedChange(changes: readonly ParkedChange[]): ParkedChange | undefined {
  if (changes.length < 2) return undefined;
  const keys = new Set<string>();
  return changes.find((change) => keys.size === keys.add(parkedKey(change)).size);
}

/** Returns a text that is different for different notifications of a pipeline. @internal */
export function parkedKey({ upstreamName, notificationId }: ParkedKey): string {
  return `${notificationId} ${upstreamName}`;
}
