import { expect, test } from 'vitest';
import { detailsOf, isOperation, operationOf } from '../../../src/application/control/operation-kinds.ts';

const because = { by: 'ada', reason: 'a test' };

test('decodes the details of the kinds that are asked for, and of no other', () => {
  const shred = operationOf('shred', because, { subject: 'c-1' });
  expect(shred).toMatchObject({ kind: 'shred', by: 'ada', reason: 'a test', details: '{"subject":"c-1"}' });
  expect(detailsOf(shred, 'pause', 'shred')).toEqual({ subject: 'c-1' });
  expect(detailsOf(shred, 'pause', 'resume')).toBeUndefined();
  expect(isOperation(shred, 'retry', 'shred')).toBe(true);
});

test('ignores kinds of later versions', () => {
  const later = { ...operationOf('pause', because, {}), kind: 'teleport' };
  expect(isOperation(later, 'pause')).toBe(false);
  expect(detailsOf(later, 'pause')).toBeUndefined();
});

test('refuses kinds and details that do not exist when it is compiled', () => {
  // @ts-expect-error: there is no such kind
  operationOf('teleport', because, {});
  // @ts-expect-error: a shredding names its subject
  operationOf('shred', because, { subjectId: 'c-1' });
  const operation = operationOf('pause', because, {});
  // @ts-expect-error: there is no such kind
  expect(isOperation(operation, 'teleport')).toBe(false);
});
