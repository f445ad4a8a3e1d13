import {
  Aggregate,
  Application,
  type DomainEvent,
  InvalidApplicationError,
  memory,
  ProcessApplication,
  run,
  System,
  UndeclaredEventError,
  UnsavableEventError,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';

type WishEvent = DomainEvent<'Wish.Made'> | DomainEvent<'Wish.Granted'> | DomainEvent<'Wish.Dropped'>;

class Wish extends Aggregate<WishEvent> {
  static make(): Wish {
    return Wish.create('Wish.Made', null);
  }
  change(type: WishEvent['type']): this {
    this.trigger(type, null);
    return this;
  }
}

class Wishes extends Application<WishEvent> {
  static readonly applicationName: string = 'wishes';
  static readonly emits = ['Wish.Made', 'Wish.Granted', 'Wish.Dropped'] as const;
}

/** Grants wishes in its policy. Commands make and drop its wishes. */
class Fairies extends ProcessApplication<WishEvent, WishEvent> {
  static readonly applicationName = 'fairies';
  static readonly emits = ['Wish.Made', 'Wish.Granted', 'Wish.Dropped'] as const;
  static readonly saves: readonly WishEvent['type'][] = ['Wish.Made', 'Wish.Dropped'];
  override readonly policy = this.when({
    'Wish.Made': async ({ originatorId }, repository) => {
      const wish = await repository.get(Wish, originatorId);
      wish.change('Wish.Granted');
    },
  });
}

describe.each(storages)('on $name', ({ create }) => {
  test('save() refuses types that the application does not save, and keeps all of its events pending', async () => {
    await using runner = await run(System.of([[Fairies, Fairies]] as never), { storage: create() });
    const fairies = runner.get(Fairies as never) as Fairies;
    const wish = Wish.make();
    const other = Wish.make().change('Wish.Granted');
    const error = await rejectionOf(fairies.save(wish, other), UnsavableEventError);
    expect(error).toMatchObject({
      code: 'UNSAVABLE_EVENT',
      applicationName: 'fairies',
      eventType: 'Wish.Granted',
      originatorId: other.id,
    });
    expect(error.message).toBe(
      `Application 'fairies' does not save 'Wish.Granted' of aggregate '${other.id}': its 'static readonly saves' lists ` +
        "'Wish.Made', 'Wish.Dropped'. Let its policy make this event, or add the type there.",
    );
    expect(await fairies.log.head()).toBe(0);
    expect(await fairies.save(wish)).toMatchObject({ count: 1 });
    const granted = await fairies.repository.get(Wish, wish.id);
    expect(granted.version).toBe(2); // by the policy
    await fairies.save(granted.change('Wish.Dropped'));
    expect((await fairies.log.select(0, 10)).map(({ type }) => type)).toEqual([
      'Wish.Made',
      'Wish.Granted',
      'Wish.Dropped',
    ]);
    // The refused events belong to whichever application saves them.
    await using wishes = await Wishes.open({ storage: memory() });
    expect(await wishes.save(other)).toMatchObject({ count: 2 });
  });
});

test('an application that saves nothing leaves all to its policy', async () => {
  class Policies extends Fairies {
    static override readonly saves = [];
  }
  await using policies = await Policies.open({ storage: memory() });
  const error = await rejectionOf(policies.save(Wish.make()), UnsavableEventError);
  expect(error.message).toContain("its 'static readonly saves' lists no types");
  const foreign = Wish.make().change('Wish.Lost' as 'Wish.Made');
  class Some extends Fairies {}
  await using some = await Some.open({ storage: memory() });
  await rejectionOf(some.save(foreign), UndeclaredEventError);
});

test.each([
  [
    'all',
    "Expected 'static readonly saves' of class Wrong to be an array of types in its 'emits', got a string.",
  ],
  [
    ['Wish.Mad'],
    "'static readonly saves' of class Wrong lists 'Wish.Mad', which its 'static readonly emits' does not list.",
  ],
])('saves cannot be %j', (saves, message) => {
  class Wrong extends Wishes {
    static readonly saves = saves;
  }
  expect(() => System.of([Wrong] as never)).toThrow(InvalidApplicationError);
  expect(() => System.of([Wrong] as never)).toThrow(message);
});
