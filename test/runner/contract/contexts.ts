import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { System, SystemRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { Answers, contexts, Questions, request } from '../../support/systems/contexts.ts';
import { until } from '../../support/until.ts';
import type { Apps, RunnerSubject } from './subject.ts';

/** What callers and policies keep in an `AsyncLocalStorage`. */
export function asynchronousContexts({ start, createStorage }: RunnerSubject): void {
  test("a policy sees no caller's context, nor that of another event, and what it opens may save after it", async () => {
    const system = contexts as unknown as System<Apps>;
    await using started = await request.run('start', () => start(system, { storage: createStorage() }));
    const runner = started as unknown as SystemRunner<typeof Questions | typeof Answers>;
    const questions = runner.get(Questions);
    await Promise.all([1, 2, 3].map((n) => questions.ask(n)));
    await questions.ask(4);
    await runner.caughtUp();
    const eventsOf = async (type: string) => {
      const all = [];
      for await (const { event } of runner.get(Answers).reader()) all.push(event);
      return all.filter((event) => event.type === type).map(({ data }) => data);
    };
    for await (const { event } of runner.get(Answers).reader())
      if (event.type === 'Answer.Given') expect(event.metadata).toEqual({ seenByCarryMetadata: 'nothing' });
    expect(await eventsOf('Answer.Given')).toEqual(Array(4).fill({ seen: 'nothing', seenLater: 'nothing' }));
    await until('the timer has saved', async () => (await eventsOf('Answer.Late')).length > 0);
    expect(await eventsOf('Answer.Late')).toEqual([{ refused: 'SAVE_IN_POLICY' }]);
  });

  test('a caller keeps its context, and listeners see none', async () => {
    const seen: unknown[] = [];
    const listener = () => seen.push(request.getStore());
    subscribe('kahn:processed', listener);
    onTestFinished(() => void unsubscribe('kahn:processed', listener));
    await using runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    request.run('subscriber', () => orders.subscribe(listener));
    const contexts = await Promise.all(
      [1, 2, 3].map((n) =>
        request.run(n, async () => {
          await orders.place(`${n}`);
          await runner.caughtUp();
          return request.getStore();
        }),
      ),
    );
    expect(contexts).toEqual([1, 2, 3]);
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
}
