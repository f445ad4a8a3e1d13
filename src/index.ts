import './util/environment/node-version.ts';

export { Application, type ApplicationClass, type ResourcesOption } from './application/application.ts';
export type { OpenApplicationOptions } from './application/application-binding.ts';
export {
  IdempotencyKeyReusedError,
  KeysUnsupportedError,
  ResultNotEncodableError,
  UpdateConflictError,
} from './application/commands/errors.ts';
export type { ForgetKeysOptions } from './application/commands/forget-keys.ts';
export type { Updated, UpdateOptions } from './application/commands/update-options.ts';
export type { Pause } from './application/control/control-log.ts';
export type { ApplicationDeclaration } from './application/declaration.ts';
export type {
  ErrorClass,
  ErrorRule,
  ParkingOptions,
  RetryRule,
} from './application/error-rules/error-rule.ts';
export {
  AggregateNotFoundError,
  ApplicationNotOpenError,
  ApplicationOwnedByRunnerError,
  HandlerTimeoutError,
  InvalidApplicationError,
  InvalidPolicyError,
  PipelineFixedError,
  PolicyLoopError,
  SaveInPolicyError,
  TooManySavesError,
  UndeclaredEventError,
  UnknownEventError,
  UnsavableEventError,
} from './application/errors.ts';
export type { RunOptions } from './application/following/upstream-run.ts';
export {
  CausalDependencyError,
  type FailedNotification,
  LogMismatchError,
  OtherVersionError,
  type OtherVersionReason,
  PausedError,
  PolicyError,
  PolicyRetryError,
  RacesLostError,
  type WaitingForVersion,
} from './application/following-errors.ts';
export { InvalidPositionError, LogGapError } from './application/log/errors.ts';
export type { NotificationLog } from './application/log/notification-log.ts';
export {
  type FollowLogOptions,
  type Notification,
  NotificationLogReader,
  type NotificationLogReaderClass,
  type ReaderSource,
} from './application/log/notification-log-reader.ts';
export type { PlaceInLog } from './application/log/place-in-log.ts';
export type { Section } from './application/log/sections.ts';
export type { OpenStoreOptions } from './application/open-store.ts';
export {
  type FollowedNotification,
  NotificationParkedError,
  ParkingLimitError,
  ParkingUnsupportedError,
} from './application/parking/errors.ts';
export type { ParkedFailure, ParkedReason } from './application/parking/parked-reason.ts';
export {
  PersonalNotSupportedError,
  PersonalUnreadableError,
  SubjectShreddedError,
} from './application/personal/errors.ts';
export type {
  Policy,
  PolicyHandler,
  PolicyHandlers,
  PolicyRepository,
  PolicyResult,
} from './application/policy/policy.ts';
export type { PolicyContext, PolicyNeeds, ResourcesIn, RowsOf } from './application/policy/policy-context.ts';
export { ProcessApplication } from './application/process-application.ts';
export {
  ProjectionCommandError,
  SchemaChangedError,
  SchemaDroppedError,
  SchemaMissingError,
  TableNotCreatedError,
} from './application/projection/errors.ts';
export { Projection } from './application/projection/projection.ts';
export type {
  CreateContext,
  ProjectionContext,
  ProjectionHandler,
  ProjectionHandlers,
  ProjectionNeeds,
  ReadContext,
} from './application/projection/projection-context.ts';
export type { ProjectionDeclaration } from './application/projection/projection-declaration.ts';
export type { ProjectionTables } from './application/projection/table-names.ts';
export { AggregateLoadError } from './application/recording/errors.ts';
export type { GetOptions, Repository } from './application/recording/repository.ts';
export type { Saved, SaveOptions } from './application/recording/save-options.ts';
export type { Beginnings } from './application/replaying/beginning.ts';
export { ResourceError } from './application/resources/errors.ts';
export {
  defineResources,
  type OpenedBy,
  type OpenResource,
  type ResourceContext,
  type ResourceDefinitions,
  Resources,
  type ResourcesOf,
} from './application/resources/resources.ts';
export type { SnapshotSkipped } from './application/snapshots/diagnostics.ts';
export { SnapshotNotEncodableError } from './application/snapshots/errors.ts';
export { Aggregate, type AggregateClass } from './domain/aggregate.ts';
export {
  AggregateDiscardedError,
  AggregateReleasedError,
  AggregateRepeatedError,
  AggregateUndoneError,
  ApplyRuleError,
  HistoryBrokenError,
} from './domain/errors.ts';
export type { DataOf, DeepReadonly, DomainEvent, EventOfType } from './domain/event.ts';
export {
  type DefinedEvents,
  type DefineEventsOptions,
  defineEvents,
  type EventDefinitions,
  type EventsOf,
  type UpcastEventOf,
} from './domain/events/define-events.ts';
export { UpcastError } from './domain/events/errors.ts';
export {
  type EventDefinition,
  type EventOptions,
  type EventType,
  event,
  type FormerEvent,
  type UpcastEvent,
} from './domain/events/event-definition.ts';
export type {
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from './domain/events/standard-schema.ts';
export { Personal, type Shredded, shredded } from './domain/personal.ts';
export { personal } from './domain/personal-data.ts';
export type { CarryMetadata, Cause, Metadata, Provenance, RecordedEvent } from './domain/provenance.ts';
export { EventInvalidError, type EventIssue, InvalidSchemaError } from './domain/validation/errors.ts';
export { listOperations } from './operations/list-operations.ts';
export type { Operation } from './operations/operation.ts';
export { type RepositionOptions, reposition } from './operations/reposition.ts';
export { type ShredOptions, shred } from './operations/shred.ts';
export type { AsynchronousRunner } from './runner/asynchronous/asynchronous-runner.ts';
export type { RunnerEvent, RunnerEvents } from './runner/diagnostics.ts';
export {
  BundledError,
  DownstreamError,
  ProcessDiedError,
  RunnerClosedError,
  ThreadDiedError,
  WorkerDiedError,
} from './runner/errors.ts';
export {
  MultiThreadedRunner,
  type MultiThreadedRunnerOptions,
} from './runner/multi-threaded/multi-threaded-runner.ts';
export {
  MultiprocessRunner,
  type MultiprocessRunnerOptions,
} from './runner/multiprocess/multiprocess-runner.ts';
export type { OperableRunner } from './runner/operating/operable-runner.ts';
export type { OperationOptions } from './runner/operating/operation-options.ts';
export type { ParkedEvent } from './runner/operating/parked-events.ts';
export type { ParkedFilter } from './runner/operating/parked-filter.ts';
export type { ReplayOptions, ResetOptions } from './runner/operating/repetition-options.ts';
export { run } from './runner/run.ts';
export type {
  ApplicationState,
  ApplicationStatus,
  Interruption,
  ProcessedOptions,
  ReplayStatus,
  SchemaBuilding,
  SystemRunner,
  UpstreamStatus,
  WaitOptions,
} from './runner/runner.ts';
export type { RunnerOptions } from './runner/runner-options.ts';
export { SingleThreadedRunner } from './runner/single-threaded/single-threaded-runner.ts';
export { CommandError, WaitInTickError } from './runner/stepping/errors.ts';
export { SteppingMultiThreadedRunner } from './runner/stepping/stepping-multi-threaded-runner.ts';
export type { SteppingRunnerOptions } from './runner/stepping/stepping-options.ts';
export { SteppingRunner } from './runner/stepping/stepping-runner.ts';
export { SteppingSingleThreadedRunner } from './runner/stepping/stepping-single-threaded-runner.ts';
export type { ApplicationTick, Tick } from './runner/stepping/tick.ts';
export type { SupervisedRunner } from './runner/supervised/supervised-runner.ts';
export { type UndeclaredTypes, UndeclaredTypesError } from './runner/undeclared-events/errors.ts';
export { type CustomType, defineType, InvalidCustomTypeError } from './storage/codec/custom-type.ts';
export { NotDecodableError, NotEncodableError } from './storage/codec/errors.ts';
export {
  EventNotDecodableError,
  EventNotEncodableError,
} from './storage/codec/event-mapper.ts';
export {
  InvalidStorageError,
  ParkedConflictError,
  PositionConflictError,
  RecordConflictError,
  RowsError,
  type RowsErrorCode,
  StorageError,
  type StorageErrorCode,
} from './storage/errors.ts';
export { InvalidTimestampError, LimitExceededError, type LimitedValue } from './storage/limits.ts';
export { memory } from './storage/memory/index.ts';
export type { ParkedKey } from './storage/parked.ts';
export type { Prompt } from './storage/prompt.ts';
export type { RowsKind } from './storage/recorder.ts';
export {
  type CompressionOptions,
  type EncryptionOptions,
  InvalidKeyRingError,
  type KeyRing,
} from './storage/sealing/encryption.ts';
export { KeyMissingError, TamperedError } from './storage/sealing/errors.ts';
export type { TextPlace } from './storage/sealing/place.ts';
export type { StorageDescription, StorageOptions, StorageOptionValue } from './storage/storage.ts';
export type { LogPlace, StoredEvent, StoredNotification, StoredProvenance } from './storage/stored-event.ts';
export {
  InvalidSystemError,
  SystemBoundError,
  SystemModuleError,
  SystemRunningError,
  UnknownApplicationError,
} from './system/errors.ts';
export type { GraphEdge, GraphNode, SystemGraph } from './system/graph.ts';
export type { CheckedNeeds } from './system/needs.ts';
export type { ApplicationsIn, CheckedPipelines, Pipeline } from './system/pipeline.ts';
export { pipelineFor } from './system/pipeline-for.ts';
export { System, type SystemOpenOptions, type SystemOptions } from './system/system.ts';
export type { Origin, OriginKind } from './tracing/explanation/cause-chain.ts';
export type { Cut } from './tracing/explanation/effect-tree.ts';
export { NotificationNotFoundError } from './tracing/explanation/errors.ts';
export { type ExplainOptions, explain } from './tracing/explanation/explain.ts';
export type { Explanation } from './tracing/explanation/explanation.ts';
export type { ExplanationData } from './tracing/explanation/explanation-data.ts';
export type { EventPlace, ParkedBy, TracedEffect, TracedEvent } from './tracing/explanation/traced-event.ts';
export type { Fault, FaultCategory, FaultKind } from './tracing/verification/fault.ts';
export type { VerificationProgress } from './tracing/verification/progress-report.ts';
export type { Verification } from './tracing/verification/verification.ts';
export { type VerifyOptions, verify } from './tracing/verification/verify.ts';
export { KahnError, type KahnErrorOptions } from './util/errors.ts';
export { InvalidIdError, nameId, newId } from './util/ids.ts';
export { InvalidArgumentError, InvalidOptionError } from './util/options.ts';
export { type PortableError, RemoteError } from './util/portable-error.ts';
export type { Clock } from './util/time.ts';
