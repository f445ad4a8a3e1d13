import { type DomainEvent, InvalidApplicationError, NotificationLogReader, System } from 'kahn';
import { describe, expect, test } from 'vitest';
import { SectionedNotificationLog } from '../../../src/application/log/sectioned-log.ts';
import { storages } from '../../support/storages.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { until } from '../../support/until.ts';

class AuditReader<E extends DomainEvent> extends NotificationLogReader<E> {
  readonly isAudited = true;
}

/** Clicks with small sections and a reader of their own. */
class AuditedClicks extends Clicks {
  static readonly sectionSize = 3;
  static readonly readerClass = AuditReader;
}

const clicks = (count: number) => Array.from({ length: count }, (_, i) => Click.make(`c${i}`, i));
const idsOf = (items: readonly { readonly id: number }[]) => items.map(({ id }) => id);

describe.each(storages)('a reader of a log on $name', ({ create }) => {
  test('reads by index and slice, and keeps its position', async () => {
    await using application = await Clicks.open({ storage: create() });
    await application.save(...clicks(7));
    const reader = application.reader().seek(2);
    expect((await reader.at(0))?.id).toBe(1);
    expect((await reader.at(6))?.event.data).toEqual({ key: 'c6', number: 6 });
    expect(await reader.at(7)).toBeUndefined();
    expect(idsOf(await reader.slice(2, 5))).toEqual([3, 4, 5]);
    expect(idsOf(await reader.slice(5))).toEqual([6, 7]);
    expect(idsOf(await reader.slice(5, 100))).toEqual([6, 7]);
    expect(await reader.slice(5, 2)).toEqual([]);
    expect(reader.position).toBe(2);
    expect(idsOf(await reader.advanceBy(3).read())).toEqual([6, 7]);
    expect(await reader.advanceBy(100).read()).toEqual([]);
  });

  test('reads in sections of the size of its application', async () => {
    await using application = await AuditedClicks.open({ storage: create() });
    expect(await application.reader().sectionCount()).toBe(0);
    expect(await application.log.section('current')).toMatchObject({ id: '1,3', items: [] });
    await application.save(...clicks(7));
    const reader = application.reader().seek(4);
    expect(await reader.sectionCount()).toBe(3);
    expect(await reader.section('current')).toMatchObject({
      id: '7,9',
      previousId: '4,6',
      nextId: undefined,
    });
    const found: unknown[] = [];
    for await (const { id, items, previousId, nextId } of reader.sections())
      found.push([id, idsOf(items), previousId, nextId]);
    expect(found).toEqual([
      ['4,6', [4, 5, 6], '1,3', '7,9'],
      ['7,9', [7], '4,6', undefined],
    ]);
    await application.save(...clicks(9).slice(7));
    expect(await reader.section('7,9')).toMatchObject({ nextId: '10,12' });
    expect(await reader.section('10,12')).toMatchObject({ items: [], nextId: undefined });
    await expect(reader.section('1,20')).rejects.toMatchObject({ code: 'INVALID_POSITION' });
    expect(reader.position).toBe(4);
  });

  test('reads the same through sections only', async () => {
    await using application = await AuditedClicks.open({ storage: create() });
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

test('an application has the readers of its class', async () => {
  await using application = await AuditedClicks.open({ storage: storages[0]!.create() });
  expect(application.reader()).toBeInstanceOf(AuditReader);
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

test.each([-1, 1.5, Number.NaN, '1'])('refuses the index and the number %j', async (value) => {
  await using application = await Clicks.open({ storage: storages[0]!.create() });
  const reader = application.reader();
  const refused = { code: 'INVALID_POSITION' };
  await expect(reader.at(value as number)).rejects.toMatchObject(refused);
  await expect(reader.slice(0, value as number)).rejects.toMatchObject(refused);
  expect(() => reader.advanceBy(value as number)).toThrow('number of notifications to leave out');
  expect(() => reader.seek(value as number)).toThrow('position');
});
