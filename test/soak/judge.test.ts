import { expect, test } from 'vitest';
import { judge, type Measure, type Series } from './judge.ts';

const heap: Measure = { name: 'heap', isBytes: true, allowance: 2, allowedShare: 0.1 };
const minutes = 10;

/** A series of 120 samples of a measure. */
function series(valueAt: (minute: number, i: number) => number, measure: Measure = heap): Series {
  const values = Array.from({ length: 120 }, (_, i) => ({
    minute: (i + 1) / 12,
    value: valueAt((i + 1) / 12, i),
  }));
  return { subject: 'orders 0', measure, values };
}

test('a series that grows is a fault, also between noise', () => {
  const leaking = judge(
    series((minute, i) => 100 + 4 * minute + (i % 7)),
    minutes,
  );
  expect(leaking).toMatchObject({ fault: 'grows' });
  expect(leaking.perMinute).toBeCloseTo(4, 0);
});

test('a warm-up, noise and single outliers are no fault', () => {
  const steady = (minute: number, i: number) => (i === 110 ? 900 : Math.min(100, 60 * minute) + (i % 7));
  expect(judge(series(steady), minutes)).toMatchObject({ fault: undefined, greatest: 900 });
  expect(
    judge(
      series((minute) => 100 - 4 * minute),
      minutes,
    ).fault,
  ).toBeUndefined();
});

test('small growth is accepted up to the allowance, and refused above it', () => {
  const slowly = (total: number) =>
    judge(
      series((minute) => 1 + (total * minute) / 6.75),
      minutes,
    ).fault;
  expect(slowly(1.9)).toBeUndefined();
  expect(slowly(2.1)).toBe('grows');
});

test('a value above the bound, an end before the others, and too few samples are faults', () => {
  const lag = { ...heap, bound: 10 };
  expect(
    judge(
      series((_, i) => (i === 60 ? 11 : 5), lag),
      minutes,
    ).fault,
  ).toBe('exceeds its bound');
  const { subject, measure, values } = series(() => 5);
  expect(judge({ subject, measure, values: values.slice(0, 90) }, minutes).fault).toBe('ended');
  expect(judge({ subject, measure, values: values.slice(-5) }, minutes).fault).toBe('has too few samples');
});
