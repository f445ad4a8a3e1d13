import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TrackedRange, TrackedRanges } from '../../../src/runner/single-threaded/tracked-ranges.ts';
import { Wait } from '../../../src/runner/single-threaded/wait.ts';
import { growthOf, linear } from '../../support/growth.ts';
import { propertyRuns } from '../../support/seed.ts';

const newWait = () => new Wait([], () => 'It failed.');
const rangeOf = (wait: Wait, after: number, last: number): TrackedRange => ({
  after,
  last,
  wait,
  isHandled: true,
});

/** Does the same by the simplest means. */
class Model {
  ranges: TrackedRange[] = [];

  add(range: TrackedRange): void {
    const index = this.ranges.findIndex(({ after }) => after > range.after);
    this.ranges.splice(index < 0 ? this.ranges.length : index, 0, range);
  }

  takeUpTo(id: number): TrackedRange[] {
    const begun = this.ranges.filter(({ after }) => after < id);
    const rest = begun.filter(({ last }) => last > id).map((range) => ({ ...range, after: id }));
    this.ranges = [...rest, ...this.ranges.filter(({ after }) => after >= id)];
    return begun.map((range) => ({ ...range, last: Math.min(range.last, id) }));
  }

  remove(wait: Wait): void {
    this.ranges = this.ranges.filter((range) => range.wait !== wait);
  }
}

interface Step {
  readonly kind: 'add' | 'take' | 'remove';
  readonly wait: number;
  readonly after: number;
  readonly length: number;
}
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('add' as const, 'add' as const, 'take' as const, 'remove' as const),
    wait: fc.nat({ max: 20 }),
    after: fc.nat({ max: 20 }),
    length: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 60 },
);

test('ranges are taken in order, split and removed', () => {
  const check = (all: readonly Step[]) => {
    const waits = Array.from({ length: 21 }, newWait);
    const shown = (some: readonly TrackedRange[]) =>
      some.map(({ after, last, wait }) => [after, last, waits.indexOf(wait)]);
    const ranges = new TrackedRanges();
    const model = new Model();
    const dropped = new Set<number>();
    for (const { kind, wait, after, length } of all) {
      const one = waits[wait] as Wait;
      if (kind === 'take') expect(shown(ranges.takeUpTo(after))).toEqual(shown(model.takeUpTo(after)));
      else if (kind === 'remove') {
        dropped.add(wait);
        ranges.remove(one);
        model.remove(one);
      } else if (!dropped.has(wait)) {
        ranges.add(rangeOf(one, after, after + length));
        model.add(rangeOf(one, after, after + length));
      }
    }
    expect(shown(ranges.takeAll())).toEqual(shown(model.ranges));
    expect(ranges.isEmpty).toBe(true);
  };
  fc.assert(fc.property(steps, check), propertyRuns(300, 10_000));
});

test('many waits are removed, or taken one by one, in linear time', async () => {
  const rangesOf = (waits: readonly Wait[]) => {
    const ranges = new TrackedRanges();
    for (const [i, wait] of waits.entries()) ranges.add(rangeOf(wait, i, i + 1));
    return ranges;
  };
  const work = (size: number) => {
    const waits = Array.from({ length: size }, newWait);
    const removed = rangesOf(waits);
    for (const wait of waits) removed.remove(wait);
    expect(removed.takeAll()).toHaveLength(0);
    const taken = rangesOf(waits);
    for (const i of waits.keys())
      if (taken.takeUpTo(i + 1).length !== 1) throw new Error('nothing was taken');
  };
  expect(await growthOf(2_000, work)).toBeLessThan(linear);
});
