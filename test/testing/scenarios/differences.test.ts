import { nameId, newId } from 'kahn';
import { expect, test } from 'vitest';
import { differenceOf } from '../../../src/testing/scenarios/differences.ts';
import { RecordedState } from '../../../src/testing/scenarios/recorded-state.ts';

/** A state of histories: the name of the application, the id of the aggregate, and its events. */
function stateOf(...histories: readonly (readonly [string, string, ...string[]])[]): RecordedState {
  return new RecordedState(
    histories.map(([applicationName, id, ...events]) => ({ applicationName, id, events })),
  );
}

test('shows the first difference of two states', () => {
  const expected = stateOf(['orders', newId(), 'Created {}', 'Paid {}'], ['orders', 'a', 'Created {}']);
  const actual = stateOf(
    ['orders', newId(), 'Created {}', 'Paid {}', 'Paid {}'],
    ['orders', 'a', 'Created {}'],
  );
  expect(differenceOf(expected, actual)).toBe('  orders id\n    Created {}\n    Paid {}\n+   Paid {}');
  expect(differenceOf(expected, expected)).toBeUndefined();
});

test('a history that differs only by the label of another one is not counted', () => {
  const sent = (bill: string, number: number) =>
    stateOf(['bills', bill, `Sent {"number":${number}}`], ['letters', 'l-1', `Written {"bill":"${bill}"}`]);
  expect(differenceOf(sent(newId(), 1), sent(newId(), 2))).toBe(
    '  bills id\n-   Sent {"number":1}\n+   Sent {"number":2}',
  );
});

test('shows the two histories that are most alike', () => {
  const fine = (loanId: string, cents: number): readonly [string, string, string] => [
    'fines',
    newId(),
    `Issued {"loanId":"${loanId}","cents":${cents}}`,
  ];
  const expected = stateOf(fine('b', 76), fine('a', 20));
  const actual = stateOf(fine('a', 21), fine('b', 77));
  expect(differenceOf(expected, actual)).toBe(
    '  fines id\n-   Issued {"loanId":"b","cents":76}\n+   Issued {"loanId":"b","cents":77}\n(1 more history differs)',
  );
});

test.each([
  ['ids made of random ids', (order: string) => nameId('bill', order)],
  ['texts around random ids', (order: string) => `bill of ${order}`],
])('%s do not matter, as long as all refer to the same', (_, idOf) => {
  const billsOf = (orders: readonly string[], isMixed = false) =>
    stateOf(
      ...orders.flatMap((order, i): readonly [string, string, string][] => [
        ['orders', order, `Created {"customer":"${i}"}`],
        ['bills', idOf(order), `Opened {"order":"${orders[isMixed ? 1 - i : i]}"}`],
        ['letters', `l-${i}`, `Written {"bill":"${idOf(order)}"}`],
      ]),
    );
  const two = () => [newId(), newId()];
  expect(differenceOf(billsOf(two()), billsOf(two()))).toBeUndefined();
  expect(differenceOf(billsOf(two()), billsOf(two(), true))).toContain('Opened');
});

test('ids that are mentioned only do not matter, names that both states have do', () => {
  const sent = (message: string, to: string) =>
    stateOf(['mails', 'm-1', `Sent {"id":"${message}","to":"${to}"}`]);
  const [ada, bob] = [nameId('customer', 'ada'), nameId('customer', 'bob')];
  expect(differenceOf(sent(newId(), ada), sent(newId(), ada))).toBeUndefined();
  const known: readonly [string, string, string] = ['customers', ada, 'Met {}'];
  const other: readonly [string, string, string] = ['customers', bob, 'Met {}'];
  const of = (to: string) => stateOf(known, other, ['mails', 'm-1', `Sent {"to":"${to}"}`]);
  expect(differenceOf(of(ada), of(bob))).toContain(`-   Sent {"to":"${ada}"}`);
});
