import {
  Application,
  InvalidSystemError,
  memory,
  type Pipeline,
  ProcessApplication,
  run,
  System,
} from 'kahn';
import { expect, test } from 'vitest';
import { Order, type OrderEvent } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import type { PaymentEvent } from '../../examples/shop/payment.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';

class Plain extends Application<OrderEvent> {
  static readonly applicationName = 'plain';
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
}

class SelfFollowing extends ProcessApplication<PaymentEvent, PaymentEvent> {
  static readonly applicationName = 'self';
  static readonly emits = ['Payment.Created'] as const;
  override readonly policy = this.when({ 'Payment.Created': () => {} });
}

const edgesOf = (system: System) =>
  system.graph.edges.map(({ upstream, downstream }) => `${upstream}>${downstream}`);

test('the graph has each application and edge once, with the handled types on each edge', () => {
  expect(shop.applications).toEqual([Orders, Reservations, Payments]);
  expect(shop.graph).toEqual({
    nodes: [
      { name: 'orders', emits: ['Order.Created', 'Order.Reserved', 'Order.Paid'] },
      { name: 'reservations', emits: ['Reservation.Created'] },
      { name: 'payments', emits: ['Payment.Created'] },
    ],
    edges: [
      { upstream: 'orders', downstream: 'reservations', eventTypes: ['Order.Created'] },
      { upstream: 'reservations', downstream: 'orders', eventTypes: ['Reservation.Created'] },
      { upstream: 'orders', downstream: 'payments', eventTypes: ['Order.Reserved'] },
      { upstream: 'payments', downstream: 'orders', eventTypes: ['Payment.Created'] },
    ],
  });
  expect(structuredClone(shop.graph)).toEqual(shop.graph);
});

test('pipelines may be joined, repeated, bare, self-following, fan in and fan out', () => {
  const joined = System.of([[Orders, Reservations, Orders, Payments, Orders]]);
  expect(edgesOf(joined)).toEqual(edgesOf(shop));
  const repeated = System.of([
    [Orders, Reservations, Orders],
    [Orders, Reservations],
    [Orders, Payments, Orders, Payments],
  ]);
  expect(edgesOf(repeated)).toEqual(edgesOf(shop));
  expect(System.of([[Orders], Plain]).graph).toMatchObject({
    nodes: [{ name: 'orders' }, { name: 'plain' }],
    edges: [],
  });
  expect(edgesOf(System.of([[SelfFollowing, SelfFollowing]]))).toEqual(['self>self']);
  expect(
    edgesOf(
      System.of([
        [Plain, Reservations],
        [Plain, Payments],
      ]),
    ),
  ).toEqual(['plain>reservations', 'plain>payments']);
});

class SameName extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Created'] as const;
}

class Failing extends Application<OrderEvent> {
  static readonly applicationName = 'failing';
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
  constructor() {
    super();
    throw new RangeError('no database here');
  }
}

class FailingFollower extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'failing-follower';
  static readonly emits = ['Payment.Created'] as const;
  override readonly policy = this.when({});
  constructor() {
    super();
    throw new RangeError('no database here');
  }
}

class NoPolicy extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'no-policy';
  static readonly emits = ['Payment.Created'] as const;
  declare readonly policy: never;
}

class Nameless extends Application<OrderEvent> {}

test.each<[string, unknown, string]>([
  ['no pipeline', [], 'System.of() takes one array of pipelines'],
  ['no array', Orders, 'System.of() takes one array of pipelines'],
  ['an empty pipeline', [[Orders], []], 'Pipeline 2 is empty'],
  [
    'a name',
    [[Orders, 'reservations']],
    "element 2 of pipeline 1 to be a class that extends Application or ProcessApplication, got 'reservations'",
  ],
  ['another class', [[Date]], 'ProcessApplication, got Date'],
  ['a function', [[Orders], () => Orders], 'Expected element 1 of pipeline 2 to be a class'],
  ['an aggregate', [Order], 'ProcessApplication, got Order'],
  [
    'nothing',
    [[Orders, undefined]],
    'ProcessApplication, got undefined. Do the modules of the classes import each other in a circle?',
  ],
  [
    'several classes in one pair of brackets',
    [Orders, Reservations, Orders],
    'System.of([Orders, Reservations, Orders]) connects nothing. For one pipeline, write ' +
      'System.of([[Orders, Reservations, Orders]]); for applications that follow no other, write ' +
      'System.of([[Orders], [Reservations]]).',
  ],
  [
    'equal names',
    [[Orders, Reservations], SameName],
    "Classes Orders and SameName both have the applicationName 'orders'",
  ],
  [
    'a follower without a matching handler',
    [[Orders, Reservations, Payments]],
    "'payments' follows 'reservations', but its policy handles none",
  ],
  ['a follower without a policy', [[Orders, NoPolicy]], "Class NoPolicy needs 'override readonly policy"],
  ['a plain follower', [[Reservations, Plain]], 'Class Plain follows another application, so it must extend'],
  [
    'a constructor that throws',
    [[Orders, FailingFollower]],
    'Class FailingFollower failed in its constructor, which System.of() calls without arguments: ',
  ],
])('rejects %s', (_, pipelines, message) => {
  const define = () => System.of(pipelines as readonly Pipeline[] as never);
  expect(define).toThrow(InvalidSystemError);
  expect(define).toThrow(message);
});

test('rejects a class without a name, and does not construct an upstream', () => {
  expect(() => System.of([Nameless] as never)).toThrow(
    "Class Nameless needs 'static readonly applicationName'",
  );
  expect(System.of([Failing]).graph.nodes).toHaveLength(1);
});

test('bind() makes a copy with storage, once', async () => {
  const storage = memory();
  const bound = shop.bind(storage);
  expect(shop.storage).toBeUndefined();
  expect(bound.storage).toBe(storage);
  expect(bound.graph).toBe(shop.graph);
  expect(() => bound.bind(memory())).toThrow('already bound to storage');
  await expect(run(bound, { storage })).rejects.toMatchObject({ code: 'SYSTEM_BOUND' });
  const orders = await bound.open(Orders);
  const id = await orders.place('ada');
  await orders.close();
  await using runner = await run(bound);
  expect((await runner.get(Orders).get(id)).done).toBe(true);
});

test('open() opens one application that follows nothing', async () => {
  const storage = memory();
  await using orders = await shop.open(Orders, { storage, pipelineId: 3 });
  const id = await orders.place('ada');
  expect(orders.pipelineId).toBe(3);
  expect((await orders.get(id)).done).toBe(false);
  await expect(shop.open(Plain as never)).rejects.toMatchObject({ code: 'UNKNOWN_APPLICATION' });
  await expect(shop.open(Orders, { storage: null as never })).rejects.toThrow(
    "Expected option 'storage' of System.open() to be the result of memory(), sqlite({ … }) or postgres({ … }), got null.",
  );
});

test('a system is defined by System.of(), not by its constructor', () => {
  const construct = System as unknown as new () => System;
  expect(() => new construct()).toThrow(
    'Define a system with System.of([[Orders, Reservations]]), not with new.',
  );
});

test('get() names a class whose module was loaded twice', async () => {
  const again: typeof import('../../examples/shop/orders.ts') = await import(
    // @ts-expect-error the query makes another module of the same file
    '../../examples/shop/orders.ts?again'
  );
  await using runner = await run(shop.bind(memory()));
  expect(() => runner.get(again.Orders)).toThrow(
    "This Orders is not the class of application 'orders' in this system. If its module was loaded twice, import it by one path.",
  );
});
