import {
  type DataOf,
  type DeepReadonly,
  type DomainEvent,
  defineEvents,
  type EventsOf,
  event,
  Personal,
  personal,
  type Shredded,
  shredded,
} from 'kahn';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

type Contact = { name: string; tags: string[] };
const contact = personal('c-1', { name: 'Ada', tags: ['a'] });

expectTypeOf(contact).toEqualTypeOf<Personal<Contact>>();
expectTypeOf(contact.value).toEqualTypeOf<
  { readonly name: string; readonly tags: readonly string[] } | Shredded
>();
expectTypeOf(contact.or(undefined)?.name).toEqualTypeOf<string | undefined>();
expectTypeOf(contact.map(({ name }) => name.length)).toEqualTypeOf<Personal<number>>();
expectTypeOf(shredded).toEqualTypeOf<Shredded>();
expectTypeOf<DeepReadonly<{ contact: Personal<Contact> }>>().toEqualTypeOf<{
  readonly contact: Personal<Contact>;
}>();
expectTypeOf<DataOf<DomainEvent<'A', { contact: Personal<Contact> }>, 'A'>['contact']>().toEqualTypeOf<
  Personal<Contact>
>();
expectTypeOf(contact).toExtend<Personal>();

// @ts-expect-error the content may be shredded
contact.value.name;
// @ts-expect-error the subject is a string
personal(1, 'x');
// @ts-expect-error another content
const _wrong: Personal<string> = personal('c-1', 1);

const { value } = contact;
if (value !== shredded) expectTypeOf(value.name).toEqualTypeOf<string>();

const events = defineEvents({
  'Customer.Joined': event(z.object({ contact: z.instanceof(Personal<Contact>) })),
});
expectTypeOf<EventsOf<typeof events>>().toEqualTypeOf<
  DomainEvent<'Customer.Joined', { contact: Personal<Contact> }>
>();
