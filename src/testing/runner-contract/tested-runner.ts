import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { verify } from '../../tracing/verification/verify.ts';
import type { RunnerSubject } from './runner-subject.ts';

/** Defines one test on empty storage. */
export type Test = (name: string, body: (tested: TestedRunner) => Promise<void>) => void;

/** Interval at which conditions are checked, in ms. */
const checkMs = 5;

/** A kind of runner on the storage of one test. Closes what the test has started. */
export class TestedRunner implements AsyncDisposable {
  readonly storage: StorageDescription;
  readonly #subject: RunnerSubject;
  readonly #waitLimitMs: number;
  readonly #opened = new AsyncDisposableStack();

  constructor(subject: RunnerSubject, storage: StorageDescription) {
    this.#subject = subject;
    this.#waitLimitMs = subject.waitLimitMs ?? 60_000;
    this.storage = storage;
  }

  /** Driver of the rows of projections. */
  get rows(): RunnerSubject['rows'] {
    return this.#subject.rows;
  }

  /** Starts a runner on the storage. */
  async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RunnerOptions = {},
  ): Promise<SystemRunner<Apps>> {
    const runner = await this.#subject.start(system, { storage: this.storage, ...options });
    this.#opened.defer(() => runner.close());
    return runner;
  }

  /** Ends a wait that takes too long. */
  get signal(): AbortSignal {
    return AbortSignal.timeout(this.#waitLimitMs);
  }

  /** Waits until a condition is true. */
  async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const waitLimitMs = this.#waitLimitMs;
    const deadline = performance.now() + waitLimitMs;
    while (!(await isTrue())) {
      assert.ok(performance.now() < deadline, `It took longer than ${waitLimitMs} ms until ${what}.`);
      await delay(checkMs);
    }
  }

  /** Returns the path of a file that does not exist yet. */
  async newFile(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'kahn-runner-'));
    this.#opened.defer(() => rm(directory, { recursive: true, force: true }));
    return join(directory, 'file');
  }

  /** Checks that nothing is lost or doubled on record. */
  async assertSound(system: System): Promise<void> {
    const { faults } = await verify(this.storage, system);
    assert.deepEqual(faults, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
