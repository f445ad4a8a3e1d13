import { InvalidApplicationError, System } from 'kahn';
import { describe, expect, test } from 'vitest';
import { SectionedNotificationLog } from '../../../src/application/log/sectioned-log.ts';
import { storages } from '../../support/storages.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { until } from '../../support/until.ts';
import { ReadClicks } from './contract/read-clicks.ts';

const clicks = (count: number) => Array.from({ length: count }, (_, i) => Click.make(`c${i}`, i));

describe.each(storages)('a reader of a log on $name', ({ create }) => {
  test('reads the same through sections only', async () => {
    await using application = await ReadClicks.open({ storage: create() });
    await application.save(...clicks(10));
    const { log } = application;
    const sectioned = new SectionedNotificationLog(log);
    for (let after = 0; after <= 11; after += 1)
      for (const limit of [0, 1, 2, 3, 4, 7, 20])
        for (const maxSize of [undefined, 1, 60, 200])
          expect(await sectioned.select(after, limit, maxSize)).toEqual(
            await log.select(after, limit, maxSize),
          );
  });

  test('follows what is recorded later, here and elsewhere, until its signal is aborted', async () => {
    const storage = create();
    await using application = await Clicks.open({ storage });
    await using other = await Clicks.open({ storage });
    await application.save(...clicks(2));
    const stop = new AbortController();
    const reader = application.reader().seek(1);
    const seen: number[] = [];
    const following = (async () => {
      const options = { signal: stop.signal, pollIntervalMs: 5 };
      for await (const { id } of reader.follow(options)) seen.push(id);
    })();
    await until('the rest is read', () => seen.length === 1);
    await application.save(...clicks(5).slice(2));
    await until('own records are read', () => seen.length === 4);
    await other.save(...clicks(6).slice(5));
    await until('records of others are read', () => seen.length === 5);
    stop.abort(new Error('enough'));
    await expect(following).rejects.toThrow('enough');
    expect(seen).toEqual([2, 3, 4, 5, 6]);
    expect(reader.position).toBe(6);
  });
});

test('following reads own records without a poll, and stops listening at its end', async () => {
  await using application = await Clicks.open({ storage: storages[0]!.create() });
  const following = application.reader().follow({ pollIntervalMs: 600_000 });
  const next = following.next();
  await application.save(...clicks(1));
  expect((await next).value?.id).toBe(1);
  const waiting = following.next();
  await application.save(...clicks(2).slice(1));
  expect((await waiting).value?.id).toBe(2);
  await following.return();
  expect(await following.next()).toEqual({ done: true, value: undefined });
});

test.each([
  ['sectionSize', 0],
  ['sectionSize', 2.5],
  ['sectionSize', 10_001],
  ['sectionSize', '20'],
  ['readerClass', Date],
  ['readerClass', null],
])('refuses a class whose %s is %j', (property, value) => {
  class Odd extends Clicks {}
  Object.assign(Odd, { [property]: value });
  expect(() => System.of([[Odd]])).toThrow(InvalidApplicationError);
  expect(() => System.of([[Odd]])).toThrow(`'static readonly ${property}' of class Odd`);
});
