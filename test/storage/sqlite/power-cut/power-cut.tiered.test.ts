import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomNumbers } from '../../../support/random-numbers.ts';
import { seed } from '../../../support/seed.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { byTier } from '../../../support/tier.ts';
import { expectWhole, fileIn } from '../backup/running-shop.ts';
import { type CutShop, changedIn, cutShop, misfitsIn, putFiles, type State, stateOf } from './cut-shop.ts';
import { commitsBefore, firstDifference } from './write-ahead-log.ts';

/** Number of the last commits that are cut. */
const lastCommits = byTier(6, 4);
const blockSize = 512;
const random = randomNumbers(seed);
const garbage = Buffer.from(Array.from({ length: 1_000_000 }, () => Math.floor(random() * 256)));

/** A shop in the middle of its work, and what a power cut may leave of it. */
interface Scene {
  readonly shop: CutShop;
  /** States after each commit in the log; the first is that of the database alone. */
  readonly states: readonly State[];
  /** Offset in the log at which the last commits begin. */
  readonly from: number;
}

async function scene(): Promise<Scene> {
  const directory = temporaryDirectory();
  const shop = await cutShop(directory);
  const { bytes, commitEnds } = shop.log;
  const path = putFiles(join(directory, 'whole'), shop, bytes);
  const states = [0, ...commitEnds].map((end) => {
    writeFileSync(`${path}-wal`, bytes.subarray(0, end));
    return stateOf(path);
  });
  return { shop, states, from: commitEnds.at(-lastCommits - 1) ?? 0 };
}

/** Returns the offsets in the last commits, the last one first: each, or a sample with the bounds of the frames. */
function offsetsIn({ shop, from }: Scene): readonly number[] {
  const { bytes, frameEnds } = shop.log;
  const bounds = new Set(frameEnds.flatMap((end) => [end - 1, end, end + 1, end + 24]));
  const offsets = Array.from({ length: bytes.length - from + 1 }, (_, i) => bytes.length - i);
  return byTier(
    offsets.filter((offset) => bounds.has(offset) || random() < 0.005),
    offsets,
  );
}

test('each commit belongs to one application, and leaves no position ahead of a log and no effect ahead of a position', async () => {
  const { shop, states } = await scene();
  expect(shop.log.commitEnds.length).toBeGreaterThan(lastCommits);
  expect(states.at(-1)?.orders?.keys).not.toEqual([]);
  expect(shop.log.commitEnds.at(-1)).toBe(shop.log.bytes.length);
  for (const [i, state] of states.entries()) {
    expect(misfitsIn(state)).toEqual([]);
    if (i > 0) expect(changedIn(states[i - 1]!, state)).toHaveLength(1);
  }
});

test('a log that is cut off at any byte holds the first commits, each as a whole', async () => {
  const all = await scene();
  const { shop, states } = all;
  const path = putFiles(temporaryDirectory(), shop, shop.log.bytes);
  for (const length of offsetsIn(all)) {
    truncateSync(`${path}-wal`, length);
    const state = stateOf(path);
    expect(misfitsIn(state)).toEqual([]);
    expect(state, `${length} bytes`).toEqual(states[commitsBefore(shop.log, length)]);
  }
}, 600_000);

test.each([
  { tail: 'zeros', damaged: (size: number) => Buffer.alloc(size) },
  { tail: 'garbage', damaged: (size: number) => garbage.subarray(0, size) },
])(
  'a log that ends in $tail holds the first commits, each as a whole',
  async ({ damaged }) => {
    const all = await scene();
    const { shop, states } = all;
    const { bytes } = shop.log;
    const path = putFiles(temporaryDirectory(), shop, bytes);
    for (const offset of offsetsIn(all).filter((one) => one % byTier(1, 16) === 0)) {
      const log = Buffer.concat([bytes.subarray(0, offset), damaged(bytes.length - offset)]);
      writeFileSync(`${path}-wal`, log);
      const whole = commitsBefore(shop.log, firstDifference(log, bytes));
      expect(stateOf(path), `${offset} bytes`).toEqual(states[whole]);
    }
  },
  600_000,
);

test('a log of which one block was not written holds the commits before the block', async () => {
  const { shop, states, from } = await scene();
  const { bytes } = shop.log;
  const path = putFiles(temporaryDirectory(), shop, bytes);
  for (let block = Math.ceil(from / blockSize); block * blockSize < bytes.length; block += 1) {
    for (const damaged of [Buffer.alloc(blockSize), garbage.subarray(0, blockSize)]) {
      const log = Buffer.from(bytes);
      damaged.copy(log, block * blockSize);
      writeFileSync(`${path}-wal`, log);
      const whole = commitsBefore(shop.log, firstDifference(log, bytes));
      expect(stateOf(path), `block ${block}`).toEqual(states[whole]);
    }
  }
});

test('a runner continues from each of the last commits to the same result', async () => {
  const { shop } = await scene();
  const directory = temporaryDirectory();
  for (const end of shop.log.commitEnds.slice(-lastCommits)) {
    const cut = join(directory, `${end}`);
    putFiles(cut, shop, shop.log.bytes.subarray(0, end + 100));
    const customers = await expectWhole(fileIn(cut));
    expect(customers.slice(0, 3)).toEqual(['ada', 'bob', 'cy']);
  }
});
