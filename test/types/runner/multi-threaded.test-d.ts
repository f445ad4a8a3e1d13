import { MultiThreadedRunner, System, type SystemRunner } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

const small = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'small' });
// @ts-expect-error `module` is a URL as a string, which can be sent to a thread.
System.of([[Orders, Reservations, Orders]], { module: new URL(import.meta.url) });
// @ts-expect-error `name` is a string.
System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: Symbol('small') });

const runner = await MultiThreadedRunner.start(small, { pipelineIds: [0, 1], clockSpeed: 50 });
expectTypeOf(runner).toExtend<SystemRunner<typeof Orders | typeof Reservations>>();
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
expectTypeOf(runner.get(Reservations, 1)).toEqualTypeOf<Reservations>();
// @ts-expect-error A runner has the applications of its system only.
runner.get(Payments);
// @ts-expect-error Unknown option.
await MultiThreadedRunner.start(small, { threads: 4 });
// @ts-expect-error A runner takes a system, not its module.
await MultiThreadedRunner.start(import.meta.url);
