import type { ApplicationClass } from '../../application/application.ts';
import { recordOperation } from '../../application/control/record-operation.ts';
import type { LockOwner } from '../../application/recording/bounded-lock.ts';
import { operationsOf } from '../../operations/list-operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { assertPartOf, type System } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import type { ApplicationState } from '../runner.ts';
import { type RunningSystem, recorderIn } from '../running-system.ts';
import { type OperationOptions, operationOptionsOf } from './operation-options.ts';

/** A running system, as it is operated. */
export interface OperatedSystem {
  readonly system: System;
  /** Name of the class of a runner that cannot repeat notifications. */
  readonly runner?: string;
  /** The applications in this thread. */
  readonly running: RunningSystem;
  /** Resolves with the states of an application on this runner, one for each pipeline. */
  statesOf(applicationName: string): Promise<readonly ApplicationState[]>;
  /** Called when a resumption is recorded. */
  resumed?(applicationName: string): Promise<void>;
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
      operation: { kind: 'pause', by, reason, details: '{}' },
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
      operation: { kind: 'resume', by, reason, details: '{}' },
      mayRecord: async ({ pause }) => pause !== undefined || (await this.#mayHaveFailed(applicationName)),
      signal,
    });
    if (isResumed) await this.#operated.resumed?.(applicationName);
    return isResumed;
  }

  async *all(): AsyncGenerator<Operation, void, undefined> {
    const { system, running } = this.#operated;
    for (const { applicationName } of system.applications) {
      const recorder = recorderIn(running, applicationName);
      if (recorder !== undefined) yield* operationsOf(applicationName, recorder);
    }
  }

  /** Whether an application has failed here, or runs elsewhere, where it may have failed. */
  async #mayHaveFailed(applicationName: string): Promise<boolean> {
    const states = await this.#operated.statesOf(applicationName);
    return states.some((state) => state === 'failed' || state === 'elsewhere');
  }

  /** Returns the name and the recorder of an application that follows others. */
  #followerOf(application: ApplicationClass, call: string): LockOwner {
    const { system, running } = this.#operated;
    assertPartOf(system, application);
    const { applicationName } = application;
    const recorder = recorderIn(running, applicationName);
    if (recorder !== undefined && upstreamsOf(system.graph, applicationName).length > 0)
      return { applicationName, recorder };
    throw new InvalidArgumentError(
      `${call} got application '${applicationName}', which follows no other: its commands need no follower. ` +
        'Pass an application that follows others.',
    );
  }
}
