import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { SingleThreadedRunner } from 'kahn';
import { backup } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { expectWhole, fileIn, fill, fillersIn } from './running-shop.ts';

const program = new URL('./dying-backup.ts', import.meta.url);
const unfinished = /^copy\.db\.[0-9a-f]{8}\.unfinished(-journal)?$/;

test('a process killed after any step leaves no copy or a whole one, and its temporary file is recognized', async () => {
  const directory = temporaryDirectory();
  const [storage, copy] = [fileIn(directory), fileIn(directory, 'copy.db')];
  {
    await using runner = await SingleThreadedRunner.start(shop.bind(storage));
    await runner.get(Orders).place('ada');
  }
  fill(storage, 30);
  for (let steps = 0; !existsSync(copy.path); steps += 1) {
    const child = fork(program, [storage.path, copy.path, `${steps}`], {
      execArgv: ['--conditions=kahn-source'],
    });
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
    if (existsSync(copy.path)) break;
    const files = readdirSync(directory).filter((name) => !name.startsWith('shop.db'));
    expect(files.filter((name) => name.endsWith('.unfinished'))).toHaveLength(steps + 1);
    expect(files.filter((name) => !unfinished.test(name))).toEqual([]);
  }
  expect(fillersIn(copy)).toBe(30);
  expect(await expectWhole(copy)).toEqual(['ada']);
  const again = fileIn(directory, 'again.db');
  await backup(storage, again.path);
  expect(await expectWhole(again)).toEqual(['ada']);
  expect(await expectWhole(storage)).toEqual(['ada']);
});
