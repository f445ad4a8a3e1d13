import { defineEvents, event } from 'kahn';
import { remote } from 'kahn/http';
import { describeGraph } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { shop } from '../../../examples/shop/shop.ts';
import { changesBetween } from '../../../src/testing/graph-snapshots/graph-changes.ts';
import { parseGraph } from '../../../src/testing/graph-snapshots/graph-snapshot.ts';
import { application, projection, systemOf } from './systems.ts';

const orders = application('orders', ['Order.Placed', 'Order.Paid']);
const letters = application('letters', ['Letter.Sent'], ['Order.Placed']);
const sales = [[orders, letters]];

function changes(before: Parameters<typeof systemOf>[0], after: Parameters<typeof systemOf>[0]) {
  const [earlier, now] = [before, after].map((one) => parseGraph(describeGraph(systemOf(one)), 'graph'));
  return changesBetween(earlier!, now!);
}

test('describes applications, their events, and who handles which', () => {
  expect(JSON.parse(describeGraph(shop))).toEqual({
    orders: {
      emits: ['Order.Created', 'Order.Paid', 'Order.Reserved'],
      follows: { payments: ['Payment.Created'], reservations: ['Reservation.Created'] },
    },
    payments: { emits: ['Payment.Created'], follows: { orders: ['Order.Reserved'] } },
    reservations: { emits: ['Reservation.Created'], follows: { orders: ['Order.Created'] } },
  });
});

test('the order of pipelines does not matter', () => {
  const bills = application('bills', ['Bill.Sent'], ['Order.Paid', 'Letter.Sent']);
  const one = describeGraph(
    systemOf([
      [orders, letters, bills],
      [orders, bills],
    ]),
  );
  expect(
    describeGraph(
      systemOf([
        [orders, bills],
        [letters, bills],
        [orders, letters],
      ]),
    ),
  ).toBe(one);
});

describe('explains', () => {
  test('a type that is gone, with the followers that handle it', () => {
    const renamed = application('orders', ['Order.Made', 'Order.Paid']);
    const following = application('letters', ['Letter.Sent'], ['Order.Made']);
    expect(changes(sales, [[renamed, following]])).toEqual([
      expect.stringMatching(/^Order\.Made is emitted by 'orders'\. Hosts with the earlier code wait/),
      expect.stringMatching(
        /^Order\.Placed is no longer emitted by 'orders', which 'letters' handles\. .* do not load/,
      ),
      "'letters' handles Order.Made of 'orders'.",
    ]);
  });

  test('a type that has a new name', () => {
    const emits = defineEvents(
      { 'Order.Made': event(), 'Order.Paid': event() },
      { former: { 'Order.Placed': 'Order.Made' } },
    );
    const following = application('letters', ['Letter.Sent'], ['Order.Made']);
    expect(changes(sales, [[application('orders', emits), following]])).toContainEqual(
      expect.stringMatching(
        /^Order\.Placed is no longer emitted by 'orders', which 'letters' handles\. It reads those on record/,
      ),
    );
  });

  test('a new version, and one that is not read any more', () => {
    const one = application('orders', defineEvents({ 'Order.Placed': event() }));
    const two = application('orders', defineEvents({ 'Order.Placed': event().upcast(() => ({})) }));
    expect(changes([[one, letters]], [[two, letters]])).toEqual([
      expect.stringMatching(/^Order\.Placed is emitted by 'orders' in version 2 instead of 1\. Hosts/),
    ]);
    expect(changes([[two, letters]], [[one, letters]])).toEqual([
      expect.stringMatching(/^Order\.Placed is emitted by 'orders' in version 1 instead of 2/),
      expect.stringMatching(/^Order\.Placed@2 is no longer emitted by 'orders'\. Where such events/),
    ]);
  });

  test('an upstream that is not followed any more, and one that is', () => {
    const bills = application('bills', ['Bill.Sent'], ['Order.Paid', 'Letter.Sent']);
    const onlyLetters = [[orders, letters, bills]];
    const both = [...onlyLetters, [orders, bills]];
    expect(changes(both, onlyLetters)).toEqual([
      expect.stringMatching(/^'bills' no longer follows 'orders': its position stays in the storage/),
    ]);
    expect(changes(onlyLetters, both)).toEqual([
      expect.stringMatching(
        /^'bills' follows 'orders', and begins at the start of the log of 'orders', or at its position/,
      ),
    ]);
  });

  test('a handler that is new, and one that is gone', () => {
    const more = application('letters', ['Letter.Sent'], ['Order.Placed', 'Order.Paid']);
    expect(changes(sales, [[orders, more]])).toEqual([
      expect.stringMatching(/^'letters' handles Order\.Paid of 'orders' from its position on: .* A replay/),
    ]);
    expect(changes([[orders, more]], sales)).toEqual([
      expect.stringMatching(
        /^'letters' no longer handles Order\.Paid of 'orders': it waits .* Keep an empty handler/,
      ),
    ]);
  });

  test('applications that are new, gone and renamed', () => {
    const late = application('bills', ['Bill.Sent'], ['Order.Paid'], { begins: 'end' });
    expect(changes(sales, [...sales, [orders, late]])).toEqual([
      "'bills' is new, and begins at the end of the log of 'orders'.",
    ]);
    expect(changes([...sales, [orders, late]], sales)).toEqual([
      "'bills' is gone: its log and its positions stay in the storage.",
    ]);
    const purchases = application('purchases', ['Order.Placed', 'Order.Paid']);
    expect(changes(sales, [[purchases, letters]])).toEqual([
      expect.stringMatching(
        /^'orders' is gone: .* To keep them for 'purchases', declare 'static readonly recordedAs'/,
      ),
      "'purchases' is new.",
      expect.stringMatching(/^'letters' no longer follows 'orders'/),
      expect.stringMatching(/^'letters' follows 'purchases'/),
    ]);
    Object.assign(purchases, { recordedAs: 'orders' });
    expect(changes(sales, [[purchases, letters]])).toEqual([
      "'orders' is named 'purchases': it keeps its log, its positions and its place in causes.",
    ]);
  });

  test('a log under another name', () => {
    const elsewhere = application('orders', ['Order.Placed', 'Order.Paid'], [], { recordedAs: 'sales' });
    expect(changes(sales, [[elsewhere, letters]])).toEqual([
      expect.stringMatching(/^'orders' is recorded as 'sales' instead of 'orders'/),
    ]);
  });

  test('schemas of projections', () => {
    const list = (schema: number, ...types: string[]) => [[orders, projection('list', schema, types)]];
    expect(changes(list(1, 'Order.Paid'), list(2, 'Order.Placed'))).toEqual([
      expect.stringMatching(
        /^Projection 'list' has schema 2 instead of 1: its tables are built from all events/,
      ),
      "'list' handles Order.Placed of 'orders'.",
      "'list' no longer handles Order.Paid of 'orders'.",
    ]);
    expect(changes(list(1, 'Order.Paid'), list(1, 'Order.Paid', 'Order.Placed'))).toEqual([
      expect.stringMatching(/Raise its 'schema' to build its tables again\.$/),
    ]);
  });

  test('an application that moves to another system', () => {
    const away = remote(orders, { system: 'shop', url: 'https://orders.example/logs' }) as never;
    expect(changes(sales, [[away, letters]])).toEqual([
      "'orders' is gone: its log and its positions stay in the storage.",
      "'orders@shop' of another system is new.",
      expect.stringMatching(/^'letters' no longer follows 'orders'/),
      expect.stringMatching(/^'letters' follows 'orders@shop', and begins at the start/),
    ]);
  });
});
