import fc from 'fast-check';
import { InvalidIdError, InvalidOptionError, newId, pipelineFor } from 'kahn';
import { expect, test } from 'vitest';

const ids = Array.from({ length: 20_000 }, (_, i) => `customer ${i}`);

test('the same id belongs to the same pipeline, in every release', () => {
  const pipelines = [0, 1, 2, 3];
  const chosen = ['ada', 'bob', 'cy', 'dee', 'eve', 'Ω', '01a20867-1998-76f8-a977-8aee922c9fbf'].map((id) =>
    pipelineFor(id, pipelines),
  );
  expect(chosen).toEqual([3, 0, 2, 0, 1, 2, 3]);
  expect(pipelineFor('ada', [7])).toBe(7);
  expect(pipelineFor('ada', [0, 2_147_483_647])).toBe(0);
});

test('the order of the pipelines does not matter', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat({ max: 2_147_483_647 }), { minLength: 1, maxLength: 10 }),
      fc.uuid(),
      (pipelineIds, id) => {
        const chosen = pipelineFor(id, pipelineIds);
        expect(pipelineIds).toContain(chosen);
        expect(pipelineFor(id, pipelineIds.toReversed())).toBe(chosen);
      },
    ),
  );
});

test.each([
  { what: 'names', all: ids },
  { what: 'ids made in a row', all: ids.map(() => newId()) },
])('$what are spread evenly', ({ all }) => {
  for (const count of [2, 3, 8]) {
    const pipelineIds = Array.from({ length: count }, (_, i) => i);
    const shares = pipelineIds.map(() => 0);
    for (const id of all) shares[pipelineFor(id, pipelineIds)]! += 1;
    // Five standard deviations.
    const slack = 5 * Math.sqrt((all.length / count) * (1 - 1 / count));
    for (const share of shares) expect(Math.abs(share - all.length / count)).toBeLessThan(slack);
  }
});

test('an additional pipeline takes over its share and moves no other id', () => {
  const before = [0, 1, 2, 3];
  const moved = ids.filter((id) => pipelineFor(id, before) !== pipelineFor(id, [...before, 4]));
  for (const id of moved) expect(pipelineFor(id, [...before, 4])).toBe(4);
  expect(moved.length / ids.length).toBeCloseTo(1 / 5, 1);
});

test('rejects an empty array of pipelines, and ids that cannot be stored', () => {
  expect(() => pipelineFor('ada', [])).toThrow(InvalidOptionError);
  expect(() => pipelineFor('ada', undefined as unknown as number[])).toThrow(InvalidOptionError);
  expect(() => pipelineFor('ada', [0.5])).toThrow(InvalidIdError);
  expect(() => pipelineFor('', [0])).toThrow(InvalidIdError);
});
