import { execFile } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/storages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Mixes two copies, and prints the message of each mistake. */
const program = `
  import * as one from './one/index.ts';
  import * as other from './other/index.ts';
  import { sqlite } from './other/storage/sqlite/index.ts';
  const define = ({ Aggregate, Application, ProcessApplication }) => {
    class Order extends Aggregate {}
    class Orders extends Application {
      static applicationName = 'orders';
      static emits = ['Placed'];
    }
    class Payments extends ProcessApplication {
      static applicationName = 'payments';
      static emits = ['Paid'];
      policy = this.when({ Placed: () => made() });
    }
    return { Order, Orders, Payments };
  };
  const ours = define(one);
  const theirs = define(other);
  let made = () => theirs.Order.create('Paid', {});
  const messages = [];
  const attempt = async (work) => {
    try {
      await work();
      messages.push('no error');
    } catch (error) {
      messages.push((error.cause?.cause ?? error).message);
    }
  };
  const system = one.System.of([[ours.Orders, ours.Payments]]);
  await attempt(() => one.System.of([[theirs.Orders, theirs.Payments]]));
  await attempt(() => one.run(other.System.of([[theirs.Orders, theirs.Payments]])));
  await attempt(() => one.run(system, { storage: other.memory() }));
  await attempt(() => one.run(system, { storage: sqlite({ directory: '.' }) }));
  const runner = await one.run(system);
  await attempt(() => runner.get(ours.Orders).save(theirs.Order.create('Placed', {})));
  await attempt(() => runner.get(ours.Orders).repository.get(theirs.Order, 'o-1'));
  await attempt(() => runner.get(ours.Orders).save(ours.Order.create('Placed', {})));
  console.log(JSON.stringify(messages));
`;

test('classes, systems, storages and aggregates of another copy are named', async () => {
  const directory = temporaryDirectory();
  for (const copy of ['one', 'other']) cpSync(join(root, 'src'), join(directory, copy), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(directory, 'main.js'), program);
  const { stdout } = await promisify(execFile)(process.execPath, ['main.js'], { cwd: directory });
  const remedy = 'of another copy of kahn: run `npm ls kahn`, and keep one copy.';
  expect(JSON.parse(stdout)).toEqual([
    `Expected element 1 of pipeline 1 to be a class that extends Application or ProcessApplication, got Orders, an Application ${remedy}`,
    `run() takes a system, the result of System.of([[Orders, Reservations]]), not a System ${remedy}`,
    expect.stringMatching(
      /^The module '.*\/other\/storage\/memory\/storage\.ts' is a storage of another copy of kahn: run/,
    ),
    expect.stringMatching(
      /^The module '.*\/other\/storage\/sqlite\/storage\.ts' is a storage of another copy of kahn: run/,
    ),
    `save() of application 'orders' takes aggregates, not an Aggregate ${remedy}`,
    expect.stringContaining(`an Aggregate ${remedy}`),
    `The policy of 'payments' must return nothing, an aggregate or an array of aggregates, got an Aggregate ${remedy}`,
  ]);
});
