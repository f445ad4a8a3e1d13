/** Something that is measured again and again, and must not grow. */
export interface Measure {
  readonly name: string;
  /** Whether values are bytes, shown in MiB. */
  readonly isBytes: boolean;
  /** Growth over the judged time up to which a series counts as flat. */
  readonly allowance: number;
  /** Growth over the judged time up to which a series counts as flat, as a share of its level. */
  readonly allowedShare: number;
  /** Value that must not be exceeded after the warm-up. @default none */
  readonly bound?: number;
}

/** The values of one measure, of one process, thread or follower. */
export interface Series {
  readonly subject: string;
  readonly measure: Measure;
  readonly values: readonly Sample[];
}

export interface Sample {
  readonly minute: number;
  readonly value: number;
}

/** A series in figures, with the reason for which it is not accepted, if any. */
export interface Verdict {
  readonly subject: string;
  readonly measure: Measure;
  /** Medians of the first and the last group of samples after the warm-up. */
  readonly first: number;
  readonly last: number;
  /** Greatest value after the warm-up. */
  readonly greatest: number;
  readonly perMinute: number;
  readonly fault: string | undefined;
}

/** The first quarter of the time is the warm-up: code is compiled, and caches fill. */
const warmUpShare = 0.25;
/** Samples after the warm-up are divided into so many groups, each of which counts by its median. */
const groups = 10;

/**
 * Judges a series of a run of some minutes. The slope is the median of the slopes between all pairs of groups, so that
 * single outliers do not count.
 */
export function judge({ subject, measure, values }: Series, minutes: number): Verdict {
  const judged = values.filter(({ minute }) => minute >= minutes * warmUpShare);
  const medians = groupMedians(judged);
  const [first, last] = [medians.at(0), medians.at(-1)];
  const greatest = Math.max(...judged.map(({ value }) => value));
  const perMinute = medianSlope(medians);
  const figures = { subject, measure, greatest, perMinute };
  if (medians.length < groups || first === undefined || last === undefined)
    return { ...figures, first: Number.NaN, last: Number.NaN, fault: 'has too few samples' };
  const growth = perMinute * (last.minute - first.minute);
  const level = median(medians.map(({ value }) => value));
  const allowed = Math.max(measure.allowance, measure.allowedShare * level);
  const fault = (() => {
    if (last.minute < minutes * 0.9) return 'ended';
    if (growth > allowed) return 'grows';
    return greatest > (measure.bound ?? Infinity) ? 'exceeds its bound' : undefined;
  })();
  return { ...figures, first: first.value, last: last.value, fault };
}

function groupMedians(samples: readonly Sample[]): readonly Sample[] {
  const found = Map.groupBy(samples, (_, i) => Math.floor((i * groups) / samples.length));
  return [...found.values()].map((group) => ({
    minute: median(group.map(({ minute }) => minute)),
    value: median(group.map(({ value }) => value)),
  }));
}

function medianSlope(points: readonly Sample[]): number {
  const slopes = points.flatMap((one, i) =>
    points.slice(i + 1).map((other) => (other.value - one.value) / (other.minute - one.minute)),
  );
  return median(slopes);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.floor(half)] ?? Number.NaN) + (sorted[Math.ceil(half) - 1] ?? Number.NaN)) / 2;
}
