import type { Application, ApplicationClass } from '../../application/application.ts';
import { ControlLog } from '../../application/control/control-log.ts';
import type { OperationKind } from '../../application/control/operation-kinds.ts';
import { recordOperation } from '../../application/control/record-operation.ts';
import { liveNameOf, schemaIn } from '../../application/projection/schema-recorder.ts';
import type { LockOwner } from '../../application/recording/bounded-lock.ts';
import { operationsOf } from '../../operations/list-operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { assertPartOf, type System } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import type { ApplicationState } from '../runner.ts';
import type { RunningSystem } from '../running-system.ts';
import { changeParked, type ParkedOperation } from './change-parked.ts';
import { type OperationOptions, operationOptionsOf } from './operation-options.ts';
import { type ParkedEvent, parkedEvents } from './parked-events.ts';
import { type ParkedFilter, parkedFilterOf } from './parked-filter.ts';

/** An application in a pipeline, and all applications there. */
interface Selected {
  readonly follower: Application;
  readonly upstreams: ReadonlyMap<string, Application>;
}

/** A running system, as it is operated. */
export interface OperatedSystem {
  readonly system: System;
  /** Pipelines that the runner runs. */
  readonly pipelineIds: readonly number[];
  /** The applications in this thread. */
  readonly running: RunningSystem;
  /** Resolves with the states of an application on this runner, one for each pipeline. */
  statesOf(applicationName: string): Promise<readonly ApplicationState[]>;
  /** Moves positions and begins or ends replays while no application works, on a runner with ticks. */
  runTurn?<T>(work: () => Promise<T>): Promise<T>;
  /** Called when an operation is recorded. */
  operated?(applicationName: string, kind: OperationKind): Promise<void>;
}

/** The operations of people on a running system, see {@link SystemRunner}. They are the same on every runner. */
export class Operations {
  readonly #operated: OperatedSystem;

  constructor(operated: OperatedSystem) {
    this.#operated = operated;
  }

  async pause(application: ApplicationClass, options: OperationOptions): Promise<boolean> {
    const example = "pause(Payments, { by: 'ada', reason: 'the bank is closed' })";
    const { by, reason, signal } = operationOptionsOf(options, 'pause()', example);
    return await recordOperation(this.#followerOf(application, 'pause()'), {
      kind: 'pause',
      by,
      reason,
      mayRecord: ({ pause }) => pause === undefined,
      signal,
    });
  }

  async resume(application: ApplicationClass, options: OperationOptions): Promise<boolean> {
    const example = "resume(Payments, { by: 'ada', reason: 'the bank is open' })";
    const { by, reason, signal } = operationOptionsOf(options, 'resume()', example);
    const follower = this.#followerOf(application, 'resume()');
    const { applicationName } = follower;
    const isResumed = await recordOperation(follower, {
      kind: 'resume',
      by,
      reason,
      mayRecord: async ({ pause, hasFailed }) =>
        pause !== undefined || hasFailed || (await this.#hasFailedHere(applicationName)),
      signal,
    });
    if (isResumed) await this.#operated.operated?.(applicationName, 'resume');
    return isResumed;
  }

  async *parked(
    application: ApplicationClass,
    filter: ParkedFilter,
  ): AsyncGenerator<ParkedEvent, void, undefined> {
    for (const { follower, upstreams } of this.#selected(application, filter, 'parked()'))
      yield* parkedEvents(follower, upstreams, filter);
  }

  async retry(
    application: ApplicationClass,
    filter: ParkedFilter,
    options: OperationOptions,
  ): Promise<number> {
    return await this.#changeParked(application, 'retry', filter, options);
  }

  async discard(
    application: ApplicationClass,
    filter: ParkedFilter,
    options: OperationOptions,
  ): Promise<number> {
    return await this.#changeParked(application, 'discard', filter, options);
  }

  async *all(): AsyncGenerator<Operation, void, undefined> {
    const { system, running } = this.#operated;
    for (const { applicationName } of system.applications) {
      const recorder = running.recorderOf(applicationName);
      if (recorder === undefined) continue;
      yield* operationsOf(applicationName, recorder);
      const schema = schemaIn(recorder);
      if (schema !== undefined) yield* operationsOf(liveNameOf(applicationName), schema.recorders.live);
    }
  }

  async #changeParked(
    application: ApplicationClass,
    kind: ParkedOperation,
    filter: ParkedFilter,
    options: OperationOptions,
  ): Promise<number> {
    const call = `${kind}()`;
    const because = operationOptionsOf(
      options,
      call,
      `${kind}(Payments, {}, { by: 'ada', reason: 'mended' })`,
    );
    const { recorder, applicationName } = this.#followerOf(application, call);
    let count = 0;
    for (const { follower } of this.#selected(application, filter, call))
      count += await changeParked(follower, kind, filter, because);
    if (count === 0) return count;
    const refreshing = ControlLog.of(recorder).refresh();
    await refreshing.catch(() => {}); // else the followers of this thread read it within a second
    await this.#operated.operated?.(applicationName, kind);
    return count;
  }

  /** Returns an application and its upstreams in the pipelines of this runner that a filter selects. */
  #selected(application: ApplicationClass, filter: ParkedFilter, call: string): readonly Selected[] {
    const { system, running, pipelineIds } = this.#operated;
    const { applicationName } = this.#followerOf(application, call);
    const { pipelineId, upstream } = parkedFilterOf(filter, call);
    if (upstream !== undefined) assertPartOf(system, upstream);
    return pipelineIds
      .filter((id) => pipelineId === undefined || id === pipelineId)
      .map((id) => {
        const upstreams = running.in(id);
        return { follower: upstreams.get(applicationName) as Application, upstreams };
      });
  }

  /** Whether an application has failed on this runner, where that is known before it is on record. */
  async #hasFailedHere(applicationName: string): Promise<boolean> {
    const states = await this.#operated.statesOf(applicationName);
    return states.includes('failed');
  }

  /** Returns the name and the recorder of an application that follows others. */
  #followerOf(application: ApplicationClass, call: string): LockOwner {
    const { system, running } = this.#operated;
    assertPartOf(system, application);
    const { applicationName } = application;
    const recorder = running.recorderOf(applicationName);
    if (recorder !== undefined && upstreamsOf(system.graph, applicationName).length > 0)
      return { applicationName, recorder };
    throw new InvalidArgumentError(
      `${call} got application '${applicationName}', which follows no other: its commands need no follower. ` +
        'Pass an application that follows others.',
    );
  }
}
