import type { ApplicationClass } from '../../application/application.ts';
import type { Operation } from '../../operations/operation.ts';
import { assertNotInPolicy } from '../not-in-policy.ts';
import type { OperationOptions } from './operation-options.ts';
import { type OperatedSystem, Operations } from './operations.ts';
import type { ParkedEvent } from './parked-events.ts';
import type { ParkedFilter } from './parked-filter.ts';
import type { ReplayOptions, ResetOptions } from './repetition-options.ts';
import { RepetitionRequests } from './repetition-requests.ts';

/** Returns the pipelines that a runner runs; other runners may run others of the same system. */
export let pipelineIdsOf: (runner: OperableRunner) => readonly number[];

/** Base of all runners: the methods by which people operate a running system. */
export abstract class OperableRunner<Apps extends ApplicationClass = ApplicationClass> {
  #operations: Operations | undefined;

  /** The system that runs. Throws {@link RunnerClosedError} if the runner is closed. @internal */
  protected abstract readonly operated: OperatedSystem;

  async pause(application: Apps, options: OperationOptions): Promise<boolean> {
    return await this.#operationsFor('pause()').pause(application, options);
  }

  async resume(application: Apps, options: OperationOptions): Promise<boolean> {
    return await this.#operationsFor('resume()').resume(application, options);
  }

  async reset(application: Apps, options: ResetOptions<Apps>): Promise<number> {
    return await this.#repetitionsFor('reset()').reset(application, options);
  }

  async replay(application: Apps, options: ReplayOptions<Apps>): Promise<string> {
    return await this.#repetitionsFor('replay()').replay(application, options);
  }

  async cancelReplay(application: Apps, id: string, options: OperationOptions): Promise<boolean> {
    return await this.#repetitionsFor('cancelReplay()').cancel(application, id, options);
  }

  parked(application: Apps, filter: ParkedFilter = {}): AsyncGenerator<ParkedEvent, void, undefined> {
    return this.#operationsFor('parked()').parked(application, filter);
  }

  async retry(application: Apps, filter: ParkedFilter, options: OperationOptions): Promise<number> {
    return await this.#operationsFor('retry()').retry(application, filter, options);
  }

  async discard(application: Apps, filter: ParkedFilter, options: OperationOptions): Promise<number> {
    return await this.#operationsFor('discard()').discard(application, filter, options);
  }

  operations(): AsyncGenerator<Operation, void, undefined> {
    return this.#operationsFor('operations()').all();
  }

  #repetitionsFor(call: string): RepetitionRequests {
    const { operated } = this;
    assertNotInPolicy(call, 'which operates the system');
    return new RepetitionRequests(operated);
  }

  #operationsFor(call: string): Operations {
    const { operated } = this;
    assertNotInPolicy(call, 'which operates the system');
    this.#operations ??= new Operations(operated);
    return this.#operations;
  }

  static {
    pipelineIdsOf = (runner) => runner.operated.pipelineIds;
  }
}
