import { defineEvents, event, InvalidArgumentError, InvalidOptionError, type StandardSchema } from 'kahn';
import { expect, test } from 'vitest';
import { z } from 'zod';

test('what is no schema is refused by event() and upcast()', () => {
  const notSchema = { parse: () => 1 } as unknown as StandardSchema<{ grams: number }>;
  expect(() => event(notSchema)).toThrow(InvalidOptionError);
  expect(() => event(notSchema)).toThrow("Unknown option 'parse' of event()");
  const type = event<{ pounds: number }>();
  expect(() => type.upcast(({ pounds }) => ({ grams: pounds }), notSchema)).toThrow(InvalidArgumentError);
  expect(() => type.upcast(({ pounds }) => ({ grams: pounds }), notSchema)).toThrow(
    'Expected the second argument of upcast() to be a schema that follows Standard Schema, got an object.',
  );
});

test('a definition may have a schema and options', () => {
  const events = defineEvents({ 'Parcel.Seen': event(z.object({}), { notifiable: false }) });
  expect(events).toEqual(['Parcel.Seen']);
});
