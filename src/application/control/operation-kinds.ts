import type { ParkedKey } from '../../storage/parked.ts';
import type { StoredOperation } from '../../storage/recorder.ts';

/** The kinds of operations, each with its details. Names of upstreams are those under which storage keeps their logs. */
export interface OperationDetails {
  /** The application processes nothing until it is resumed. */
  readonly pause: NoDetails;
  /** The pause or the failure of the application is over. */
  readonly resume: NoDetails;
  /** The application has failed; the reason is the message of its error. */
  readonly failed: NoDetails;
  /** Parked notifications are processed again. */
  readonly retry: ChangedParked;
  /** Parked notifications are deleted. */
  readonly discard: ChangedParked;
  /** A notification was processed after it had been parked. */
  readonly retried: RetriedDetails;
  /** Where the application begins in a log. */
  readonly begin: BeginDetails;
  /** The position in a log was moved while the system runs. */
  readonly reset: MoveDetails;
  /** The position in a log was moved, whatever was processed. */
  readonly reposition: MoveDetails;
  /** Past events are handed to the policy again. */
  readonly replay: ReplayDetails;
  readonly 'replay-end': ReplayEnd;
  /** The tables of a projection's schema were created. */
  readonly 'create-schema': SchemaDetails;
  /** A schema of a projection became live. */
  readonly 'switch-schema': SchemaSwitchDetails;
  /** The tables of a projection's schema were dropped. */
  readonly 'drop-schema': DroppedSchemaDetails;
  /** The key of a subject was deleted. */
  readonly shred: { readonly subject: string };
}

export type OperationKind = keyof OperationDetails;

type NoDetails = Readonly<Record<string, never>>;

/** Parked notifications that were changed together. */
interface ChangedParked {
  readonly pipelineId: number;
  readonly notifications: readonly ParkedKey[];
}

/** A notification that was processed after it had been parked. */
export interface RetriedDetails {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly notificationId: number;
  /** Number of events that it caused in the application's own log. */
  readonly effects: number;
  /** Id in that log behind which they are. */
  readonly after: number;
}

interface BeginDetails {
  readonly pipelineId: number;
  readonly upstreamName: string;
  /** The position at which the application begins. */
  readonly to: number;
  /** The place that its class states, as text. */
  readonly begins: string;
}

interface MoveDetails {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly from: number;
  readonly to: number;
  /** Head of the application's own log. */
  readonly ownHead: number;
}

/** A replay: hands events of an upstream to the policy again, beside new ones. */
export interface Replay {
  readonly id: string;
  readonly pipelineId: number;
  readonly upstreamName: string;
  /** Types of the events; undefined for all that the policy handles. */
  readonly types?: readonly string[] | undefined;
  /** Id of the notification before the first one. */
  readonly from: number;
  /** Id of the last notification. */
  readonly to: number;
  /** Whether handlers may call other systems. */
  readonly sideEffects: boolean;
}

interface ReplayDetails extends Replay {
  /** Head of the application's own log, before all events of the replay. */
  readonly ownHead: number;
}

/** How a replay has ended. */
export type ReplayOutcome = 'finished' | 'cancelled' | 'failed';

export interface ReplayEnd {
  readonly pipelineId: number;
  /** Id of the replay. */
  readonly id: string;
  readonly outcome: ReplayOutcome;
  /** Head of the application's own log, behind all events of the replay. */
  readonly ownHead: number;
  /** Message of the error, if the replay failed. */
  readonly error?: string;
}

interface SchemaDetails {
  readonly schema: number;
  /** Names of its tables. */
  readonly tables: readonly string[];
}

/** Position of a schema in the log of an upstream. */
export interface SchemaPosition {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly position: number;
}

export interface SchemaSwitchDetails extends SchemaDetails {
  /** The schema that was live before, if any. */
  readonly from: number | undefined;
  /** Positions of the schema at the switch; undefined if an earlier release made it. */
  readonly positions?: readonly SchemaPosition[];
}

interface DroppedSchemaDetails extends Partial<SchemaDetails> {
  readonly schema: number;
}

/** Makes an operation of now. */
export function operationOf<Kind extends OperationKind>(
  kind: Kind,
  { by, reason }: Pick<StoredOperation, 'by' | 'reason'>,
  details: OperationDetails[Kind],
): StoredOperation {
  return { timestamp: Date.now(), kind, by, reason, details: JSON.stringify(details) };
}

/** Returns the details of an operation; undefined if it is of none of the kinds. */
export function detailsOf<Kind extends OperationKind>(
  { kind, details }: Pick<StoredOperation, 'kind' | 'details'>,
  ...kinds: readonly Kind[]
): OperationDetails[Kind] | undefined {
  return kinds.some((one) => one === kind) ? (JSON.parse(details) as OperationDetails[Kind]) : undefined;
}

/** Whether an operation is of one of the kinds. */
export function isOperation(
  { kind }: Pick<StoredOperation, 'kind'>,
  ...kinds: readonly OperationKind[]
): boolean {
  return kinds.some((one) => one === kind);
}
