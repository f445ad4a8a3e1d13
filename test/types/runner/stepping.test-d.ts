import {
  type Clock,
  SteppingMultiThreadedRunner,
  type SteppingRunner,
  SteppingSingleThreadedRunner,
  System,
  type SystemRunner,
  type Tick,
} from 'kahn';
import { expectTypeOf } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

type Small = typeof Orders | typeof Reservations;

const small = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'small' });
const clock: Clock = { now: () => 0, sleep: async () => {} };

const runner = await SteppingSingleThreadedRunner.start(small, {
  normalSpeed: 10,
  scaleFactor: 0,
  startTimeMs: 0,
  paused: true,
  verbose: false,
  clock,
});
const threads = await SteppingMultiThreadedRunner.start(small, { scaleFactor: 0 });
expectTypeOf(runner).toExtend<SystemRunner<Small>>();
expectTypeOf(runner).toExtend<SteppingRunner<Small>>();
expectTypeOf(threads).toExtend<SteppingRunner<Small>>();
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
// @ts-expect-error The runner runs only the applications of its system.
runner.get(Payments);
// @ts-expect-error Unknown options are rejected.
await SteppingSingleThreadedRunner.start(small, { clockSpeed: 4 });
// @ts-expect-error A clock also needs sleep().
await SteppingSingleThreadedRunner.start(small, { clock: { now: () => 0 } });
// @ts-expect-error The stepping runners run pipeline 0 only.
await SteppingMultiThreadedRunner.start(small, { pipelineIds: [0, 1] });
// @ts-expect-error A runner is started with `start`.
new SteppingSingleThreadedRunner();

runner.callInFuture(() => runner.get(Orders).place('ada'), 3);
runner.callInFuture(() => {});
// @ts-expect-error A command is a function.
runner.callInFuture(runner.get(Orders).place('ada'));
// @ts-expect-error A command has no parameters.
runner.callInFuture((order: string) => order);

expectTypeOf(await runner.step()).toEqualTypeOf<Tick>();
expectTypeOf(await runner.stepUntil(({ number }) => number === 3)).toEqualTypeOf<Tick>();
expectTypeOf(
  await runner.stepUntil(async () => true, { signal: AbortSignal.timeout(1) }),
).toEqualTypeOf<Tick>();
// @ts-expect-error A condition returns a boolean.
runner.stepUntil(({ number }) => number);
expectTypeOf(runner.subscribe).parameter(0).toEqualTypeOf<(tick: Tick) => void>();
expectTypeOf(runner.subscribe(() => {})).toEqualTypeOf<() => void>();
expectTypeOf(runner.tickCount).toEqualTypeOf<number>();
expectTypeOf(runner.actualClockSpeed).toEqualTypeOf<number>();
expectTypeOf(runner.pause()).toEqualTypeOf<Promise<void>>();
expectTypeOf(runner.resume()).toEqualTypeOf<void>();
// @ts-expect-error A tick is read-only.
(await runner.step()).number = 4;
