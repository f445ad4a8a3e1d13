import { MultiThreadedRunner, System, type SystemRunner } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';

const small = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'small' });
// @ts-expect-error The module is told by its URL as a text, which can be sent to a thread.
System.of([[Orders, Reservations, Orders]], { module: new URL(import.meta.url) });
// @ts-expect-error A name is a text.
System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: Symbol('small') });

const runner = await MultiThreadedRunner.start(small, { pipelineIds: [0, 1], clockSpeed: 50 });
expectTypeOf(runner).toExtend<SystemRunner<typeof Orders | typeof Reservations>>();
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
expectTypeOf(runner.get(Reservations, 1)).toEqualTypeOf<Reservations>();
// @ts-expect-error It runs the applications of its system, and no others.
runner.get(Payments);
// @ts-expect-error Options that do not exist are refused.
await MultiThreadedRunner.start(small, { threads: 4 });
// @ts-expect-error A system cannot be started by its module alone.
await MultiThreadedRunner.start(import.meta.url);
