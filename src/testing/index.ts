import '../util/environment/node-version.ts';

export { type CanonicalHistoriesOptions, canonicalHistories } from './canonical-histories.ts';
export { CrashNotSurvivedError } from './crashes/crash-errors.ts';
export type { CrashesOptions } from './crashes/crash-options.ts';
export {
  type Crash,
  type CrashingStorage,
  type CrashingStorageOptions,
  type CrashPoint,
  crashingStorage,
} from './crashes/crashing-storage.ts';
export { type SurvivedCrashes, survivesEveryCrash } from './crashes/survives-every-crash.ts';
export type { EquivalenceOptions } from './equivalence/equivalence-options.ts';
export { type Equivalence, equivalent } from './equivalence/equivalent.ts';
export type { StartRunner } from './equivalence/runner-kinds.ts';
export type { FaultMoment } from './faults/faults.ts';
export {
  type FaultyStorage,
  type FaultyStorageOptions,
  faultyStorage,
  type GivenFault,
} from './faults/faulty-storage.ts';
export type { PassingFault } from './faults/seeded-faults.ts';
export { derivedId } from './given-when-then/derived-id.ts';
export type {
  EmittedBy,
  ExpectedEvent,
  ExpectedRows,
  FollowedBy,
  FollowedFrom,
  GivenEvent,
  ResourcesUsedBy,
  RowsHandleOf,
  Stated,
  TestedClass,
} from './given-when-then/event-types.ts';
export { type GivenApplication, given, type PolicyTest } from './given-when-then/given.ts';
export type { GivenOptions } from './given-when-then/given-options.ts';
export type { ExpectedError } from './given-when-then/outcome-checks.ts';
export { describeGraph } from './graph-snapshots/graph-snapshot.ts';
export { type AssertGraphOptions, assertGraph } from './graph-snapshots/match-graph.ts';
export type { TestRunner } from './recorder-contract/contract-arguments.ts';
export {
  type OptionalFeature,
  type RecorderSubject,
  recorderContract,
} from './recorder-contract/recorder-contract.ts';
export type { TestedRows } from './recorder-contract/tested-storage.ts';
export {
  PolicyReplay,
  type ReplayDifference,
  type SkippedPolicy,
} from './replaying/policy-replay.ts';
export { type ReplayPoliciesOptions, replayPolicies } from './replaying/replay-policies.ts';
export { runnerContract } from './runner-contract/runner-contract.ts';
export type { RunnerSubject } from './runner-contract/runner-subject.ts';
export {
  InvalidScenarioError,
  NotEquivalentError,
  ScenarioRunError,
  ScenarioTimeoutError,
} from './scenarios/errors.ts';
export type { Scenario, ScenarioRunner } from './scenarios/scenario.ts';
export type { StorageChoice } from './scenarios/storage-places.ts';
export {
  anySchedule,
  ScheduleFailedError,
  type TriedSchedules,
} from './schedules/any-schedule.ts';
export type { AnyScheduleOptions } from './schedules/schedule-options.ts';
