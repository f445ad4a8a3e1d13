import { InvalidPositionError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Click, type ClickEvent, type Clicks } from '../../../support/systems/clicks.ts';
import { until } from '../../../support/until.ts';
import { TestedReader } from './read-clicks.ts';

/** A log under test. It is empty at first. */
export interface LogSubject {
  /** Application that records in the log. */
  readonly application: Clicks;
  /** Returns a new reader of the log, as its application makes it. */
  reader(): unknown;
  /** Closes the application whose readers these are. */
  close(): Promise<void>;
}

/** Where logs are kept and how they are read. */
export interface ReaderSubject {
  readonly name: string;
  /** Opens a log of `ReadClicks` for the running test. */
  open(): Promise<LogSubject>;
}

/** Defines the tests that readers pass on every log, which they read directly or in sections. */
export function readerContract({ name, open }: ReaderSubject): void {
  describe.each([true, false])(`a reader ${name} with useDirectQueryIfAvailable: %s`, (isDirect) => {
    /** Opens a log with some clicks. */
    async function opened(count: number) {
      const { application, reader, close } = await open();
      let recorded = 0;
      const record = async (more: number) => {
        const clicks = Array.from({ length: more }, (_, i) => Click.make('key', recorded + i));
        recorded += more;
        if (more > 0) await application.save(clicks);
      };
      await record(count);
      const made = () => {
        const one = reader();
        expect(one).toBeInstanceOf(TestedReader); // the class that the application names
        return (one as TestedReader<ClickEvent>).followed(isDirect);
      };
      return { record, made, close };
    }

    test('reads by index and slice, and keeps its position', async () => {
      const reader = (await opened(7)).made().seek(2);
      expect((await reader.at(0))?.id).toBe(1);
      expect((await reader.at(6))?.event).toMatchObject({ data: { key: 'key', number: 6 } });
      expect(await reader.at(7)).toBeUndefined();
      expect(idsOf(await reader.slice(2, 5))).toEqual([3, 4, 5]);
      expect(idsOf(await reader.slice(5))).toEqual([6, 7]);
      expect(idsOf(await reader.slice(5, 100))).toEqual([6, 7]);
      expect(await reader.slice(5, 2)).toEqual([]);
      expect(await reader.slice(100)).toEqual([]);
      expect(reader.position).toBe(2);
    });

    test('reads on from its position, which is sought or advanced', async () => {
      const reader = (await opened(7)).made();
      expect(idsOf(await reader.read(2))).toEqual([1, 2]);
      expect(idsOf(await reader.advanceBy(3).read())).toEqual([6, 7]);
      expect(await reader.read()).toEqual([]);
      expect(reader.position).toBe(7);
      expect(await reader.advanceBy(100).read()).toEqual([]);
      expect(reader.position).toBe(107);
      for (let after = 0; after <= 8; after += 1)
        for (const limit of [0, 1, 2, 3, 4, 7, 20])
          expect(idsOf(await reader.seek(after).read(limit))).toEqual(
            [1, 2, 3, 4, 5, 6, 7].slice(after, after + limit),
          );
    });

    test.each([-1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1, '1'])(
      'refuses %j in each call that takes a number, and keeps its position',
      async (value) => {
        const reader = (await opened(1)).made().seek(1);
        const wrong = value as number;
        expect(() => reader.seek(wrong)).toThrow(InvalidPositionError);
        expect(() => reader.advanceBy(wrong)).toThrow(InvalidPositionError);
        for (const call of [() => reader.at(wrong), () => reader.slice(wrong), () => reader.slice(0, wrong)])
          await expect(call()).rejects.toBeInstanceOf(InvalidPositionError);
        await expect(reader.read(wrong)).rejects.toBeInstanceOf(InvalidPositionError);
        expect(reader.position).toBe(1);
      },
    );

    test('iterates to the end of the log, and continues after a break', async () => {
      const { made, record } = await opened(250); // more than a page
      const reader = made();
      const seen: number[] = [];
      for await (const { id } of reader) if (seen.push(id) === 120) break;
      expect(reader.position).toBe(120);
      for await (const { id } of reader) seen.push(id);
      await record(2);
      for await (const { id } of reader) seen.push(id);
      expect(seen).toEqual(Array.from({ length: 252 }, (_, i) => i + 1));
    });

    test('reads sections, each with the ids of the previous and the next one', async () => {
      const { made, record } = await opened(0);
      expect(await made().sectionCount()).toBe(0);
      const empty = { id: '1,3', items: [], previousId: undefined, nextId: undefined };
      expect(await made().section('current')).toEqual(empty);
      expect(await made().section('1,3')).toEqual(empty);
      await record(6);
      const reader = made().seek(4);
      expect(await reader.sectionCount()).toBe(2);
      expect(await reader.section('current')).toMatchObject({ id: '7,9', previousId: '4,6', items: [] });
      await record(1);
      expect(await reader.sectionCount()).toBe(3);
      expect(await reader.section('current')).toMatchObject({ id: '7,9', previousId: '4,6' });
      const found: unknown[] = [];
      for await (const { id, items, previousId, nextId } of reader.sections())
        found.push([id, idsOf(items), previousId, nextId]);
      expect(found).toEqual([
        ['4,6', [4, 5, 6], '1,3', '7,9'],
        ['7,9', [7], '4,6', undefined],
      ]);
      expect(await reader.section('1,3')).toMatchObject({ previousId: undefined, nextId: '4,6' });
      expect(await reader.section('10,12')).toMatchObject({ items: [], nextId: undefined });
      for (const id of ['1,20', '2,4', '0,2', '-2,0', '1, 3', '1', '', 'last', 3])
        await expect(reader.section(id as string)).rejects.toBeInstanceOf(InvalidPositionError);
      expect(reader.position).toBe(4);
    });

    test('follows the log until its signal is aborted, and then continues where it ended', async () => {
      const { made, record } = await opened(4);
      const reader = made().seek(1);
      const seen: number[] = [];
      /** Follows the log, and aborts the signal when a notification is read. */
      const follow = async (last: number) => {
        const stop = new AbortController();
        for await (const { id } of reader.follow({ signal: stop.signal, pollIntervalMs: 5 })) {
          seen.push(id);
          if (id === last) stop.abort(new Error(`enough at ${last}`));
        }
      };
      await expect(follow(2)).rejects.toThrow('enough at 2'); // in the middle of a page
      const following = expect(follow(7)).rejects.toThrow('enough at 7');
      await until('the rest is read', () => seen.length === 3);
      await record(3);
      await following;
      expect(seen).toEqual([2, 3, 4, 5, 6, 7]);
      expect(reader.position).toBe(7);
    });

    test('ends a live tail whose signal is aborted before or while it waits', async () => {
      const reader = (await opened(1)).made();
      const next = (signal: AbortSignal) => reader.follow({ signal, pollIntervalMs: 600_000 }).next();
      await expect(next(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
      expect(reader.position).toBe(0);
      const stop = new AbortController();
      const waiting = reader.seek(1).follow({ signal: stop.signal, pollIntervalMs: 600_000 }).next();
      stop.abort(new Error('meanwhile'));
      await expect(waiting).rejects.toThrow('meanwhile');
    });

    test('ends a live tail as soon as its application is closed', async () => {
      const { made, close } = await opened(2);
      const tail = made().follow({ pollIntervalMs: 600_000 });
      expect([(await tail.next()).value?.id, (await tail.next()).value?.id]).toEqual([1, 2]);
      const waiting = expect(tail.next()).rejects.toMatchObject({ code: 'APPLICATION_NOT_OPEN' });
      const reader = made();
      await close();
      await waiting;
      await expect(reader.follow().next()).rejects.toMatchObject({ code: 'APPLICATION_NOT_OPEN' });
      expect(reader.position).toBe(0);
    });
  });
}

function idsOf(items: readonly { readonly id: number }[]): readonly number[] {
  return items.map(({ id }) => id);
}
