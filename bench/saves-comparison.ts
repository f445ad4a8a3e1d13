import type { StorageDescription } from 'kahn';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { StorageKind } from './storages.ts';
import { Table, verdictOf, whole } from './table.ts';

const warmUpRounds = 3;
const waveSize = 100;

export const savesTable: Table = new Table([
  { title: 'storage', width: -15 },
  { title: 'saved', width: -38 },
  { title: 'events/s', width: 10 },
  { title: 'without', width: 10 },
  { title: 'of without', width: 12 },
  { title: '(rounds)', width: 12 },
  { title: '  verdict', width: -18 },
]);

/** An open application that saves one event. */
export interface Saver extends AsyncDisposable {
  save(): Promise<unknown>;
}

/** Saves with a feature, and the same saves without. */
export interface ComparedSaves {
  readonly targetPercent: number;
  open(storage: StorageDescription): Promise<Saver>;
  openWithout(storage: StorageDescription): Promise<Saver>;
}

/** Compares saves in waves of 100, in turn. */
export async function compareSaves(
  storageKind: StorageKind,
  { targetPercent, open, openWithout }: ComparedSaves,
  { rounds }: Options,
): Promise<string> {
  const count = Math.ceil(storageKind.events / waveSize) * waveSize;
  const measure = (opener: ComparedSaves['open']) =>
    storageKind.withFreshStorage(({ storage }) => saveIn(storage, opener, count));
  const withIt: number[] = [];
  const without: number[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round += 1) {
    const [ofWith, ofWithout] = [await measure(open), await measure(openWithout)];
    if (round <= warmUpRounds) continue;
    withIt.push(ofWith);
    without.push(ofWithout);
  }
  const percents = withIt.map((ms, i) => ((without[i] ?? Number.NaN) / ms) * 100);
  const speed = (times: readonly number[]) => whole((count / median(times)) * 1_000);
  return savesTable.line([
    storageKind.name,
    `${waveSize} concurrent orders`,
    speed(withIt),
    speed(without),
    `${median(percents).toFixed(1)} %`,
    `${Math.min(...percents).toFixed(0)} - ${Math.max(...percents).toFixed(0)}`,
    `  ${verdictOf(median(percents), targetPercent, 1)}`,
  ]);
}

/** Saves in waves, and returns the duration in ms. */
async function saveIn(
  storage: StorageDescription,
  open: ComparedSaves['open'],
  count: number,
): Promise<number> {
  await using saver = await open(storage);
  const { ms } = await timed(async () => {
    for (let saved = 0; saved < count; saved += waveSize)
      await Promise.all(Array.from({ length: waveSize }, () => saver.save()));
  });
  return ms;
}
