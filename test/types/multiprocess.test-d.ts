import { MultiprocessRunner, pipelineFor, System, type SystemRunner } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';

const small = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'small' });

const runner = await MultiprocessRunner.start(small, { pipelineIds: [0, 1], applications: [Orders] });
expectTypeOf(runner).toExtend<SystemRunner<typeof Orders | typeof Reservations>>();
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
expectTypeOf(runner.get(Reservations, pipelineFor('ada', [0, 1]))).toEqualTypeOf<Reservations>();
// @ts-expect-error It runs the applications of its system, and no others.
runner.get(Payments);
// @ts-expect-error So does each part of it.
await MultiprocessRunner.start(small, { applications: [Payments] });
// @ts-expect-error Options that do not exist are refused.
await MultiprocessRunner.start(small, { processes: 4 });
// @ts-expect-error A pipeline is told by its number.
runner.get(Orders, '1');
