import { openStorage, type StorageDescription } from '../../storage/storage.ts';
import { names, sizes } from './extremes.ts';
import { dependencies, histories, notifications, places, snapshots } from './reading.ts';
import { opening, sharing } from './sharing.ts';
import { type Test, TestedStorage } from './tested-storage.ts';
import { conflicts, positions, recording } from './writing.ts';

/** The part of a test framework that a contract needs; vitest, jest, mocha and node:test all have it. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** The storage to be tested: empty each time it is created. */
export interface RecorderSubject {
  readonly name: string;
  create(): Promise<{ storage: StorageDescription; cleanUp(): Promise<void> }>;
}

/**
 * Defines the tests that the recorders of any storage must pass; they throw AssertionError where one does
 * not.
 */
export function recorderContract(runner: TestRunner, subject: RecorderSubject): void {
  const test: Test = (name, body) =>
    runner.it(name, async () => {
      const { storage, cleanUp } = await subject.create();
      try {
        await using openedStorage = new TestedStorage(await openStorage(storage));
        await body(openedStorage);
      } finally {
        await cleanUp();
      }
    });
  const parts = {
    recording,
    conflicts,
    histories,
    snapshots,
    notifications,
    dependencies,
    places,
    positions,
    sharing,
    names,
    sizes,
    opening,
  };
  runner.describe(`${subject.name} recorder`, () => {
    for (const [name, define] of Object.entries(parts)) runner.describe(name, () => define(test));
  });
}
