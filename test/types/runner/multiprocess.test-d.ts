import { MultiprocessRunner, pipelineFor, System, type SystemRunner } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

const small = System.of([[Orders, Reservations, Orders]], { module: import.meta.url, name: 'small' });

const runner = await MultiprocessRunner.start(small, { pipelineIds: [0, 1], applications: [Orders] });
expectTypeOf(runner).toExtend<SystemRunner<typeof Orders | typeof Reservations>>();
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
expectTypeOf(runner.get(Reservations, pipelineFor('ada', [0, 1]))).toEqualTypeOf<Reservations>();
// @ts-expect-error A runner has the applications of its system only.
runner.get(Payments);
// @ts-expect-error The option `applications` takes applications of the system only.
await MultiprocessRunner.start(small, { applications: [Payments] });
// @ts-expect-error Unknown option.
await MultiprocessRunner.start(small, { processes: 4 });
// @ts-expect-error A pipeline id is a number.
runner.get(Orders, '1');
