import {
  InvalidIdError,
  InvalidOptionError,
  KahnError,
  PipelineFixedError,
  RunnerClosedError,
  type RunnerOptions,
  SystemRunningError,
} from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertAllDone, type RunnerSubject } from './subject.ts';

/** Calls that are refused. */
export function calls({ start, createStorage }: RunnerSubject): void {
  test('start() rejects a running system, and accepts a copy of it and a closed one', async () => {
    const storage = createStorage();
    await using runner = await start(shop, { storage });
    await rejectionOf(start(shop, { storage: createStorage() }), SystemRunningError);
    await (await start(shop.bind(createStorage()), {})).close();
    await runner.close();
    await (await start(shop, { storage })).close();
  });

  test('rejects every call after close()', async () => {
    const runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    await runner.close();
    await runner.close();
    expect(() => runner.get(Orders)).toThrow(RunnerClosedError);
    expect(() => runner.storage).toThrow(RunnerClosedError);
    await rejectionOf(runner.caughtUp(), RunnerClosedError);
    await expect(orders.place('late')).rejects.toMatchObject({ code: 'APPLICATION_NOT_OPEN' });
  });

  test('start() rejects wrong options before anything is opened', async () => {
    const storage = createStorage();
    const bad: [unknown, RegExp][] = [
      [
        { storag: storage },
        /^Unknown option 'storag' of \w+\.start\(\)\. Did you mean 'storage'\? Options: storage/,
      ],
      [
        { storage, batchSize: 0 },
        /^Expected option 'batchSize' of \w+\.start\(\) to be an integer >= 1, got 0\.$/,
      ],
      [
        { storage, cacheSize: -1 },
        /^Expected option 'cacheSize' of \w+\.start\(\) to be an integer >= 0, got -1\.$/,
      ],
      [
        { storage: {} },
        /^Expected option 'storage' of \w+\.start\(\) to be the result of memory\(\), sqlite/,
      ],
    ];
    for (const [options, message] of bad) {
      const error = await rejectionOf(start(shop, options as RunnerOptions), KahnError);
      expect(error.message).toMatch(message);
    }
    await (await start(shop, { storage })).close();
  });
}

/** Calls of a running system. */
export function access({ start, createStorage, sharesSystem }: RunnerSubject): void {
  test('caughtUp() can be aborted', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const reason = new Error('no time');
    await expect(runner.caughtUp({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await runner.caughtUp({ signal: new AbortController().signal });
  });

  test('an application cannot be closed without its runner', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    await expect(orders.close()).rejects.toMatchObject({
      code: 'APPLICATION_OWNED_BY_RUNNER',
      applicationName: 'orders',
    });
    const id = await orders.place('ada');
    await runner.caughtUp();
    await assertAllDone(runner, [id]);
  });

  test('get() returns the application in a pipeline, by default in the first pipeline of the runner', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    expect(runner.get(Orders)).toBe(runner.get(Orders, 0));
    expect(runner.get(Orders).pipelineId).toBe(0);
    expect(() => runner.get(Orders).changePipeline(1)).toThrow(PipelineFixedError);
    expect(() => runner.get(Orders, -1)).toThrow(InvalidIdError);
    if (sharesSystem) expect(runner.get(Orders, 7).pipelineId).toBe(7);
    else expect(() => runner.get(Orders, 7)).toThrow(InvalidOptionError);
  });

  test('get() rejects a class that is not part of the system', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    class Stranger extends Orders {}
    expect(() => runner.get(Stranger)).toThrow(
      'Stranger is not part of this system. Its applications are: Orders, ',
    );
  });
}
