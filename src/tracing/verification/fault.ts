import type { Cause } from '../../domain/provenance.ts';

/** What a {@link Fault} is about. */
export type FaultKind =
  | 'notification-lost'
  | 'notification-doubled'
  | 'version-lost'
  | 'version-doubled'
  | 'cause-lost'
  | 'cause-not-before'
  | 'cause-beyond-position'
  | 'effect-doubled'
  | 'position-beyond-head'
  | 'position-mismatch'
  | 'parked-lost'
  | 'parked-mismatch'
  | 'parked-beyond-position'
  | 'parked-processed'
  | 'parked-damaged'
  | 'operation-damaged'
  | 'operation-mismatch'
  | 'schema-lost'
  | 'position-before-switch'
  | 'event-beyond-head';

/** Whether something is lost, recorded twice, or in the wrong place. */
export type FaultCategory = 'lost' | 'doubled' | 'misplaced';

/** Damage that `verify()` found. */
export interface Fault {
  readonly kind: FaultKind;
  readonly category: FaultCategory;
  /** Application whose log, position or parked notification is damaged. */
  readonly applicationName: string;
  readonly pipelineId: number;
  /**
   * Notification that is missing or damaged; the position, the number of the parked notification, or the notification that
   * the operation names, if that is at fault; 0 if the fault has none.
   */
  readonly notificationId: number;
  /** Last of several notifications that are missing in a row. */
  readonly lastNotificationId?: number;
  /** Aggregate of the damaged event, if its version is at fault. */
  readonly originatorId?: string;
  /** Version that is missing or doubled. */
  readonly originatorVersion?: number;
  /** Cause of the damaged event, if that is at fault. */
  readonly cause?: Cause;
  /** Upstream in whose log the position or the parked notification is. */
  readonly upstreamName?: string;
  /** Operation that is damaged, or names what is not on record. */
  readonly operationId?: number;
  /** What is wrong, in a sentence. */
  readonly message: string;
}

/** Fault of a notification, before its sentence is completed with the name of the log. */
export type FaultDetails = Omit<Fault, 'category' | 'applicationName' | 'pipelineId'>;

/** Address of a log. */
export interface LogName {
  readonly applicationName: string;
  readonly pipelineId: number;
}

const categories: Readonly<Record<FaultKind, FaultCategory>> = {
  'notification-lost': 'lost',
  'notification-doubled': 'doubled',
  'version-lost': 'lost',
  'version-doubled': 'doubled',
  'cause-lost': 'lost',
  'cause-not-before': 'misplaced',
  'cause-beyond-position': 'misplaced',
  'effect-doubled': 'doubled',
  'position-beyond-head': 'lost',
  'position-mismatch': 'lost',
  'parked-lost': 'lost',
  'parked-mismatch': 'lost',
  'parked-beyond-position': 'misplaced',
  'parked-processed': 'doubled',
  'parked-damaged': 'lost',
  'operation-damaged': 'lost',
  'operation-mismatch': 'lost',
  'schema-lost': 'lost',
  'position-before-switch': 'misplaced',
  'event-beyond-head': 'misplaced',
};

/** Creates a fault in a log. The message continues the sentence "The log of 'orders' …". */
export function faultIn({ applicationName, pipelineId }: LogName, details: FaultDetails): Fault {
  const category = categories[details.kind];
  const message = `${logText({ applicationName, pipelineId })}: ${details.message}`;
  return { ...details, category, applicationName, pipelineId, message };
}

/** Names a log, as in "'orders', pipeline 2". */
export function logText({ applicationName, pipelineId }: LogName): string {
  return pipelineId === 0 ? `'${applicationName}'` : `'${applicationName}', pipeline ${pipelineId}`;
}

/** Names a cause, as in "notification 7 of 'orders'". */
export function causeText({ applicationName, notificationId, pipelineId }: Cause): string {
  return `notification ${notificationId} of ${logText({ applicationName, pipelineId })}`;
}
