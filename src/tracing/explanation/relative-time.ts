const units: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
];

/** Returns a time after a start, such as "+12 ms", "+3.2 s", "+2 min 5 s" or "+3 d 4 h". */
export function relativeTime(ms: number): string {
  const sign = ms < 0 ? '-' : '+';
  const length = Math.abs(ms);
  if (length < 1_000) return `${sign}${length} ms`;
  if (length < 60_000) return `${sign}${(length / 1_000).toFixed(1)} s`;
  const index = units.findIndex(([, size]) => length >= size);
  const [unit, size] = units[index] as (typeof units)[number];
  const [smaller, smallerSize] = units[index + 1] ?? ['s', 1_000];
  const rest = Math.floor((length % size) / smallerSize);
  return `${sign}${Math.floor(length / size)} ${unit} ${rest} ${smaller}`;
}
