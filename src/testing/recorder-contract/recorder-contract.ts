import { openStorage, type StorageDescription, type StorageLayer } from '../../storage/index.ts';
import { ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { conflicts, wrongVersions } from './conflicts.ts';
import { contents } from './contents.ts';
import {
  assertTestRunner,
  functionRule,
  lacksRule,
  nameRule,
  type TestRunner,
} from './contract-arguments.ts';
import { names, sizes } from './extremes.ts';
import { operations } from './operations.ts';
import { commands } from './optional/commands.ts';
import { locking } from './optional/locking.ts';
import { parked } from './optional/parked.ts';
import { parkedConflicts } from './optional/parked-conflicts.ts';
import { rows } from './optional/rows.ts';
import { missingSubjectKeys, subjectKeys } from './optional/subject-keys.ts';
import { handledTypes, marks, typesVersions } from './positions.ts';
import { causes, provenance } from './provenance.ts';
import {
  dependencies,
  histories,
  historySizes,
  notifications,
  places,
  snapshots,
  typeCounts,
} from './reading.ts';
import { opening, sharing } from './sharing.ts';
import { type Test, type TestedRows, TestedStorage } from './tested-storage.ts';
import { unlistedEvents } from './unlisted-events.ts';
import { positions, recording } from './writing.ts';

/**
 * A feature that a storage may lack: `lock()`, `command()` with `deleteCommands()`, `openSubjectKeys()`, `countTypes()`,
 * `parked()` with `countParked()`, or `rows()`.
 */
export type OptionalFeature = 'lock' | 'commands' | 'subjectKeys' | 'typeCounts' | 'parked' | 'rows';

/** A kind of storage to be tested. `create` returns empty storage each time. */
export interface RecorderSubject {
  readonly name: string;
  /** Layers around the storage, the innermost first. @default none */
  readonly layers?: readonly StorageLayer[];
  /** Optional features that the storage lacks, which are not tested. @default none */
  readonly lacks?: readonly OptionalFeature[];
  create(): Promise<{
    readonly storage: StorageDescription;
    /** How the tests use handles of the storage, unless it lacks rows. */
    readonly rows?: TestedRows;
    cleanUp(): Promise<void>;
  }>;
}

/** Tests of optional features. */
const optional: Readonly<Record<OptionalFeature, Readonly<Record<string, (test: Test) => void>>>> = {
  lock: { locking },
  commands: { commands },
  parked: { parked, parkedConflicts },
  rows: { rows },
  typeCounts: { typeCounts },
  subjectKeys: { subjectKeys, missingSubjectKeys },
};

const owner = 'recorderContract()';

const recorderSubject: OptionRules<RecorderSubject> = {
  name: nameRule,
  layers: ruleOf(
    'an array of functions that return a storage',
    (value) => Array.isArray(value) && value.every((one) => typeof one === 'function'),
  ),
  lacks: lacksRule(Object.keys(optional) as OptionalFeature[], owner),
  create: functionRule(),
};

/**
 * Defines the tests that the recorders of every storage must pass. A test that fails throws AssertionError.
 *
 * @throws {@link InvalidArgumentError} if `runner` lacks `describe` or `it`.
 * @throws {@link InvalidOptionError} if a property of the subject is missing or unknown, or its value does not fit.
 */
export function recorderContract(runner: TestRunner, subject: RecorderSubject): void {
  assertTestRunner(runner, 'recorderContract');
  resolveOptions(
    subject,
    recorderSubject,
    owner,
    "recorderContract({ describe, it }, { name: 'my', create })",
  );
  const test: Test = (name, body) =>
    runner.it(name, async () => {
      const { storage, cleanUp, rows: testedRows } = await subject.create();
      try {
        await using tested = new TestedStorage(
          await openStorage(storage, { layers: subject.layers ?? [] }),
          testedRows,
        );
        await body(tested);
      } finally {
        await cleanUp();
      }
    });
  const parts = {
    recording,
    conflicts,
    wrongVersions,
    histories,
    snapshots,
    historySizes,
    notifications,
    dependencies,
    provenance,
    causes,
    places,
    positions,
    marks,
    handledTypes,
    typesVersions,
    operations,
    unlistedEvents,
    contents,
    sharing,
    names,
    sizes,
    opening,
  };
  for (const [feature, tests] of Object.entries(optional)) {
    if (!subject.lacks?.includes(feature as OptionalFeature)) Object.assign(parts, tests);
  }
  runner.describe(`${subject.name} recorder`, () => {
    for (const [name, define] of Object.entries(parts)) runner.describe(name, () => define(test));
  });
}
