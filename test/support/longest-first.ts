import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Beginnings of the paths in test/ of the files that take longest. */
const longest = [
  'runner/stepping/contract',
  'actors/restate/killed',
  'runner/multiprocess/killed',
  'runner/random-graphs',
  'runner/diamonds',
  'runner/multiprocess/contract',
  'runner/multi-threaded/contract',
  'actors/restate/',
  'runner/supervised/',
  'runner/single-threaded/single-threaded-runner',
  'docs/code-blocks',
  'examples/',
  'runner/',
];

/** Starts the files that take longest first, so that no core waits for them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const [, path = ''] = moduleId.split('/test/');
  const rank = longest.findIndex((beginning) => path.startsWith(beginning));
  return rank < 0 ? longest.length : rank;
}
