import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  Aggregate,
  Application,
  type DomainEvent,
  memory,
  PolicyError,
  ProcessApplication,
  run,
  SnapshotNotEncodableError,
  type SnapshotSkipped,
  System,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';

type BoxEvent = DomainEvent<'Box.Made', { size: number }> | DomainEvent<'Box.Filled', { part: unknown }>;

abstract class AnyBox extends Aggregate<BoxEvent> {
  static override readonly snapshotEvery: number | undefined = 3;
  fill(part: unknown): this {
    this.trigger('Box.Filled', { part });
    return this;
  }
}
class Boxes extends Application<BoxEvent> {
  static readonly applicationName = 'boxes';
  static readonly emits = ['Box.Made', 'Box.Filled'] as const;
}

class Purse extends AnyBox {
  #spent = 0;
  get spent(): number {
    return this.#spent;
  }
  protected override apply(event: BoxEvent): void {
    if (event.type === 'Box.Made') this.#spent += event.data.size;
  }
}
/** Saves and restores its private field. */
class SafePurse extends AnyBox {
  #spent = 0;
  get spent(): number {
    return this.#spent;
  }
  protected override apply(event: BoxEvent): void {
    if (event.type === 'Box.Made') this.#spent += event.data.size;
  }
  protected override snapshot(): unknown {
    return { spent: this.#spent };
  }
  protected override restore(state: { spent: number }): void {
    this.#spent = state.spent;
  }
}

/** Whose state a test sets in `apply`. */
class Box extends AnyBox {
  static applied: (box: Box, event: BoxEvent) => void = () => {};
  size = 0;
  parts: unknown[] = [];
  kept: unknown;
  protected override apply(event: BoxEvent): void {
    Box.applied(this, event);
  }
}

class Special extends Map {}
class Unregistered {}

describe.each(storages)('snapshots on $name', ({ create }) => {
  test('of a class with private fields are refused when the class is first used', async () => {
    await using boxes = await Boxes.open({ storage: create() });
    const error = await rejectionOf(
      boxes.save(Purse.create('Box.Made', { size: 1 }, 'p')),
      SnapshotNotEncodableError,
    );
    expect(error).toMatchObject({ applicationName: 'boxes', className: 'Purse', path: '#spent' });
    expect(error.message).toContain('private field #spent');
    expect(await boxes.log.head()).toBe(0);
    class Plain extends Purse {
      static override readonly snapshotEvery = undefined;
    }
    await boxes.save(Plain.create('Box.Made', { size: 1 }, 'p'));
    await rejectionOf(boxes.repository.get(Purse, 'p'), SnapshotNotEncodableError);
    await rejectionOf(boxes.takeSnapshot(Plain, 'p'), SnapshotNotEncodableError);
    expect((await boxes.repository.get(Plain, 'p')).spent).toBe(1);
  });

  test('hold private fields that the class saves and restores', async () => {
    const storage = create();
    await using boxes = await Boxes.open({ storage });
    const purse = SafePurse.create('Box.Made', { size: 7 }, 'p').fill(1).fill(2).fill(3);
    await boxes.save(purse);
    await using again = await Boxes.open({ storage, cacheSize: 0 });
    expect((await again.repository.get(SafePurse, 'p')).spent).toBe(7);
  });

  test('are neither of another class, nor of a class with other fields, nor of an unknown form', async () => {
    const storage = create();
    const classOf = (name: string, factor: number, hasMore: boolean) => {
      const view = class extends AnyBox {
        total = 0;
        protected override apply(event: BoxEvent): void {
          if (event.type === 'Box.Filled') this.total += factor * (event.data.part as number);
        }
      };
      const more = class extends view {
        last = 0;
        protected override apply(event: BoxEvent): void {
          super.apply(event);
          if (event.type === 'Box.Filled') this.last = event.data.part as number;
        }
      };
      const found = hasMore ? more : view;
      Object.defineProperty(found, 'name', { value: name });
      return found;
    };
    await using boxes = await Boxes.open({ storage });
    const Single = classOf('Single', 1, false);
    await boxes.save(Single.create('Box.Made', { size: 1 }, 'a').fill(1).fill(2).fill(3));
    await using again = await Boxes.open({ storage, cacheSize: 0 });
    expect(await again.repository.get(classOf('Double', 2, false), 'a')).toMatchObject({ total: 12 });
    expect(await again.repository.get(classOf('Single', 1, true), 'a')).toMatchObject({ total: 6, last: 3 });
    expect(await boxes.repository.get(Single, 'a')).toMatchObject({ total: 6 });
    // Only the snapshot tells that these are other factors: the class has the same name and fields.
    expect(await again.repository.get(classOf('Single', 5, false), 'a')).toMatchObject({ total: 6 });
  });
});

describe('a state that cannot be restored exactly', () => {
  const states: Readonly<Record<string, readonly [path: string, (box: Box) => void]>> = {
    'a function': [
      'kept.run',
      (box) => {
        box.kept = { run: () => {} };
      },
    ],
    'an instance of a class that is not registered': [
      'kept',
      (box) => {
        box.kept = new Unregistered();
      },
    ],
    'an instance of a subclass of Map': [
      'kept',
      (box) => {
        box.kept = new Special();
      },
    ],
    NaN: [
      'kept',
      (box) => {
        box.kept = Number.NaN;
      },
    ],
    'a key that is a symbol': [
      '[Symbol(secret)]',
      (box) => {
        Object.assign(box, { [Symbol('secret')]: 1 });
      },
    ],
    'a cycle': [
      'parts[0]',
      (box) => {
        box.parts = [box.parts];
        box.parts[0] = box.parts;
      },
    ],
    'an object in two fields': [
      'kept',
      (box) => {
        box.kept = box.parts;
      },
    ],
    'an object in two places': [
      'kept.last',
      (box) => {
        const part = { n: 1 };
        box.kept = { first: part, last: part };
      },
    ],
    'a field that is not enumerable': [
      'hidden',
      (box) => {
        Object.defineProperty(box, 'hidden', { value: 1, configurable: true });
      },
    ],
    'an accessor': [
      'got',
      (box) => {
        Object.defineProperty(box, 'got', { get: () => 1, enumerable: true, configurable: true });
      },
    ],
    'a field that is deleted': [
      'parts',
      (box) => {
        Reflect.deleteProperty(box, 'parts');
      },
    ],
  };

  test.each(Object.entries(states))(
    'with %s is refused when it is saved first',
    async (_, [path, change]) => {
      await using boxes = await Boxes.open({ storage: memory() });
      Box.applied = (box) => change(box);
      const made = Box.create('Box.Made', { size: 1 });
      const error = await rejectionOf(boxes.save(made), SnapshotNotEncodableError);
      expect(error).toMatchObject({ className: 'Box', originatorId: made.id, path });
      expect(await boxes.log.head()).toBe(0);
      Box.applied = () => {};
      await boxes.save(Box.create('Box.Made', { size: 1 }));
    },
  );

  test.each(Object.entries(states))(
    'with %s later is recorded without a snapshot, and published',
    async (_, [path, change]) => {
      const storage = memory();
      await using boxes = await Boxes.open({ storage });
      const skipped: SnapshotSkipped[] = [];
      const listener = (event: unknown) => skipped.push(event as SnapshotSkipped);
      subscribe('kahn:snapshot-skipped', listener);
      Box.applied = (box, event) => {
        if (event.originatorVersion > 1) change(box);
      };
      const box = Box.create('Box.Made', { size: 1 });
      await boxes.save(box);
      for (let part = 0; part < 6; part++) await boxes.save(box.fill(part));
      unsubscribe('kahn:snapshot-skipped', listener);
      expect(skipped).toMatchObject(
        [3, 6].map((originatorVersion) => ({
          applicationName: 'boxes',
          pipelineId: 0,
          originatorId: box.id,
          originatorVersion,
          error: { code: 'SNAPSHOT_NOT_ENCODABLE', path },
        })),
      );
      expect((await boxes.repository.get(Box, box.id)).version).toBe(7);
      await rejectionOf(boxes.takeSnapshot(Box, box.id), SnapshotNotEncodableError);
    },
  );

  test('is found if restore() forgets a part of it', async () => {
    class Forgetful extends SafePurse {
      size = 0;
      protected override apply(event: BoxEvent): void {
        super.apply(event);
        if (event.type === 'Box.Made') this.size = event.data.size;
      }
    }
    class Lossy extends SafePurse {
      protected override restore(): void {}
    }
    await using boxes = await Boxes.open({ storage: memory() });
    for (const [made, path] of [
      [Forgetful.create('Box.Made', { size: 1 }), 'size'],
      [Lossy.create('Box.Made', { size: 1 }), 'snapshot.spent'],
    ] as const) {
      expect(await rejectionOf(boxes.save(made), SnapshotNotEncodableError)).toMatchObject({ path });
    }
  });

  test('stops a policy that makes the first aggregate of the class', async () => {
    class Copies extends ProcessApplication<BoxEvent, BoxEvent> {
      static readonly applicationName = 'copies';
      static readonly emits = ['Box.Made', 'Box.Filled'] as const;
      override readonly policy = this.when({
        'Box.Made': ({ data }, repository) => Purse.create('Box.Made', data, repository.deriveId()),
      });
    }
    Box.applied = () => {};
    await using runner = await run(System.of([[Boxes, Copies]]), { storage: memory() });
    const failure = await runner
      .get(Boxes)
      .save(Box.create('Box.Made', { size: 1 }))
      .catch((error: Error) => error.cause);
    expect(failure).toBeInstanceOf(PolicyError);
    expect(failure).toMatchObject({ cause: { code: 'SNAPSHOT_NOT_ENCODABLE', className: 'Purse' } });
  });
});

test('restores everything that data may hold, and frozen data of events in several fields', async () => {
  const storage = memory();
  const when = new Date(5);
  Box.applied = (box, event) => {
    if (event.type === 'Box.Made') {
      Object.assign(box, { size: -0, missing: undefined, big: 2n ** 70n, since: when, until: when });
      Object.assign(box, { prices: new Map([['eur', new Set([1])]]), bytes: new Uint8Array([1]) });
    } else Object.assign(box, { kept: event.data.part, parts: [event.data.part] });
  };
  await using boxes = await Boxes.open({ storage });
  const box = Box.create('Box.Made', { size: 1 }, 'b').fill({ name: 'lid' }).fill({ name: 'lock' });
  await boxes.save(box);
  Box.applied = () => {
    throw new Error('nothing is left to apply');
  };
  await using again = await Boxes.open({ storage, cacheSize: 0 });
  const restored = await again.repository.get(Box, 'b');
  expect({ ...restored }).toStrictEqual({ ...box });
  expect(restored).toMatchObject({ size: -0, kept: { name: 'lock' } });
});
