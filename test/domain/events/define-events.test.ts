import {
  Application,
  defineEvents,
  event,
  InvalidApplicationError,
  InvalidArgumentError,
  InvalidOptionError,
  memory,
} from 'kahn';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { specificationOf, storedTypesOf } from '../../../src/domain/events/define-events.ts';

const sent = event<{ to: string }>();
const schema = z.strictObject({ to: z.string() });
const changed = (value: object): object => value;

/** A value of any type, as JavaScript passes it. */
const any = (value: unknown) => value as never;

const refusals: readonly (readonly [title: string, define: () => unknown, code: string, message: string])[] =
  [
    ['something else than definitions', () => defineEvents(any(['A'])), 'INVALID_ARGUMENT', 'not an array'],
    [
      'a definition that is no result of event()',
      () => defineEvents({ A: any({}) }),
      'INVALID_ARGUMENT',
      "Expected 'A' in defineEvents() to be the result of event(), got an object.",
    ],
    ['null as a definition', () => defineEvents({ A: any(null) }), 'INVALID_ARGUMENT', 'got null'],
    [
      'a former type among the definitions',
      () => defineEvents({ A: any(sent.into(() => [])) }),
      'INVALID_ARGUMENT',
      "Define former types in the option 'former'",
    ],
    [
      'a type that ends like a version',
      () => defineEvents({ 'A@2': sent }),
      'INVALID_ARGUMENT',
      "'@' and digits stand for a version",
    ],
    ['an empty type', () => defineEvents({ '': sent }), 'INVALID_ARGUMENT', "a type ''"],
    [
      'an unknown option of defineEvents()',
      () => defineEvents({ A: sent }, any({ formerly: {} })),
      'INVALID_OPTION',
      'formerly',
    ],
    [
      'validateReads that is not true or false',
      () => defineEvents({ A: sent }, { validateReads: any('yes') }),
      'INVALID_OPTION',
      'validateReads',
    ],
    [
      'former that is an array',
      () => defineEvents({ A: sent }, { former: any([]) }),
      'INVALID_OPTION',
      "'former'",
    ],
    [
      'former that is null',
      () => defineEvents({ A: sent }, { former: any(null) }),
      'INVALID_OPTION',
      "'former'",
    ],
    ['an unknown option of event()', () => event(any({ sinse: 2 })), 'INVALID_OPTION', 'sinse'],
    ['since 0', () => event({ since: 0 }), 'INVALID_OPTION', 'an integer >= 1, got 0'],
    ['since 1.5', () => event({ since: 1.5 }), 'INVALID_OPTION', 'got 1.5'],
    [
      'notifiable that is not true or false',
      () => event({ notifiable: any(1) }),
      'INVALID_OPTION',
      'notifiable',
    ],
    ['upcast() without a function', () => sent.upcast(any(undefined)), 'INVALID_ARGUMENT', 'upcast()'],
    ['into() without a function', () => sent.into(any({ type: 'A' })), 'INVALID_ARGUMENT', 'into()'],
    ['a schema without event()', () => defineEvents({ A: any(schema) }), 'INVALID_ARGUMENT', 'event(schema)'],
    [
      'a schema behind the options',
      () => event(any({ notifiable: false }), schema as never),
      'INVALID_ARGUMENT',
      'as its first argument',
    ],
    [
      'a former type that ends like a version',
      () => defineEvents({ A: sent }, { former: { 'B@1': 'A' } }),
      'INVALID_OPTION',
      "'@' and digits",
    ],
    [
      'a former type without into()',
      () => defineEvents({ A: sent }, { former: { B: any(sent) } }),
      'INVALID_OPTION',
      'the result of event() without into()',
    ],
    [
      'a former type of another kind',
      () => defineEvents({ A: sent }, { former: { B: any(7) } }),
      'INVALID_OPTION',
      'got a number',
    ],
    [
      'a rename to an unknown type',
      () => defineEvents({ 'Parcel.Sent': sent }, { former: { B: any('Parcel.Send') } }),
      'INVALID_OPTION',
      "Did you mean 'Parcel.Sent'?",
    ],
    [
      'a rename to another former type',
      () => defineEvents({ A: sent }, { former: { B: any('C'), C: 'A' } }),
      'INVALID_OPTION',
      "renames 'B' to 'C', which defineEvents() does not define. Did you mean 'A'?",
    ],
    [
      'a type that is both defined and former',
      () => defineEvents({ A: sent, B: sent }, { former: { A: 'B' } }),
      'INVALID_OPTION',
      "names 'A', which is defined with all its versions",
    ],
    [
      'renames in a circle',
      () => defineEvents({ A: event({ since: 2 }), B: event({ since: 2 }) }, { former: { A: 'B', B: 'A' } }),
      'INVALID_OPTION',
      "in a circle: 'A' to 'B' to 'A'",
    ],
    [
      'renames of former types in a circle',
      () => defineEvents({ A: sent }, { former: { B: any('C'), C: any('B') } }),
      'INVALID_OPTION',
      "in a circle: 'B' to 'C' to 'B'",
    ],
    [
      'a type that is renamed to itself',
      () => defineEvents({ A: event({ since: 2 }) }, { former: { A: 'A' } }),
      'INVALID_OPTION',
      "in a circle: 'A' to 'A'",
    ],
    [
      'a gap before since',
      () =>
        defineEvents(
          { A: event<{ to: string }>({ since: 4 }) },
          { former: { A: sent.upcast(changed).into(() => []) } },
        ),
      'INVALID_OPTION',
      'up to version 2, but the definition of the type reads versions since 4: end it with version 3',
    ],
    [
      'former versions that are defined again',
      () =>
        defineEvents(
          { A: event<{ to: string }>({ since: 2 }) },
          { former: { A: sent.upcast(changed).into(() => []) } },
        ),
      'INVALID_OPTION',
      'end it with version 1',
    ],
  ];

test.each(refusals)('refuses %s', (_title, define, code, message) => {
  let thrown: unknown;
  try {
    define();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(code === 'INVALID_OPTION' ? InvalidOptionError : InvalidArgumentError);
  expect((thrown as Error).message).toContain(message);
});

test('the result is a frozen array of the types that are recorded', () => {
  const emits = defineEvents({ B: sent, A: sent.upcast(changed) }, { former: { C: 'A' } });
  expect(emits).toEqual(['B', 'A']);
  expect(Object.isFrozen(emits)).toBe(true);
});

test('a log may hold all versions that are defined, of current and former types', () => {
  const emits = defineEvents(
    {
      A: sent.upcast(changed).upcast(changed),
      B: event<object>({ since: 3 }).upcast(changed),
      C: sent,
    },
    {
      former: {
        Old: 'A',
        B: event<object>({ since: 2 }).into(() => []),
        Gone: event<object>({ since: 5 })
          .upcast(changed)
          .into(() => []),
      },
    },
  );
  expect([...storedTypesOf(emits)].sort()).toEqual(
    ['A', 'A@2', 'A@3', 'B@2', 'B@3', 'B@4', 'C', 'Gone@5', 'Gone@6', 'Old', 'Old@2', 'Old@3'].sort(),
  );
  const versions = specificationOf(emits)?.versions;
  expect(['A', 'B', 'C', 'D'].map((type) => versions?.storedTypeOf(type))).toEqual(['A@3', 'B@4', 'C', 'D']);
  for (const unknown of ['A@4', 'A@1', 'A@02', 'A@0', 'B@5', 'C@2', 'Gone@7', 'Old@4', 'D', '@2'])
    expect([unknown, versions?.readingOf(unknown)]).toEqual([unknown, undefined]);
  for (const tooOld of ['B', 'Gone', 'Gone@4']) expect(versions?.readingOf(tooOld)).toBeDefined();
});

test('types with one version and without former types need no conversion', () => {
  expect(
    specificationOf(defineEvents({ A: sent, B: event({ notifiable: false }) }))?.versions,
  ).toBeUndefined();
  expect(specificationOf(['A'])).toBeUndefined();
});

test('an application cannot list a type that ends like a version', async () => {
  class Listed extends Application {
    static readonly applicationName = 'listed';
    static readonly emits = ['A', 'A@2'] as const;
  }
  const error = await Listed.open({ storage: memory() }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(InvalidApplicationError);
  expect(error.message).toContain("Class Listed lists 'A@2'");
});
