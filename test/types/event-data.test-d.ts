import {
  Aggregate,
  Application,
  type DeepReadonly,
  type DomainEvent,
  defineType,
  ProcessApplication,
} from 'kahn';
import { expectTypeOf } from 'vitest';

type GuestId = string & { readonly __brand: 'GuestId' };
declare const sealed: unique symbol;
type Cents = number & { readonly [sealed]: 'Cents' };
type Big = bigint & { readonly __brand: 'Big' };
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type FrozenJson =
  | string
  | number
  | boolean
  | null
  | readonly FrozenJson[]
  | { readonly [key: string]: FrozenJson };
interface Tree<T> {
  value: T;
  children: Tree<T>[];
}

/** A class with private parts, as a custom type of event data. */
class Tariff {
  #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get cents(): number {
    return this.#cents;
  }
}
class Percent {
  private readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  of(cents: number): number {
    return (this.value * cents) / 100;
  }
}
export const tariffs = defineType({
  name: 'Tariff',
  type: Tariff,
  encode: (tariff) => tariff.cents,
  decode: (cents) => new Tariff(cents),
});

interface Taken {
  guest: GuestId;
  price: Cents;
  debt?: Big;
  night: Tariff;
  nights: Tariff[];
  byGuest: Map<GuestId, Tariff>;
  guests: Set<GuestId>;
  discount: Percent | undefined;
  note: Json;
  frozen: FrozenJson;
  tree: Tree<GuestId>;
  pair: [GuestId, Tariff];
  line: [GuestId, ...Tariff[]];
  some: [GuestId?, Tariff?];
  none: [];
  state: 'new' | 'old';
  at: Date;
  bytes: Uint8Array;
}

type BedEvent =
  | DomainEvent<'Bed.Taken', Taken>
  | DomainEvent<'Bed.Left', GuestId>
  | DomainEvent<'Bed.Any', unknown>;

export class Bed extends Aggregate<BedEvent> {
  guest?: GuestId;
  price?: Cents;
  debt: Big | undefined;
  night?: Tariff;
  nights: readonly Tariff[] = [];
  discount: Percent | undefined;
  note: FrozenJson = null;

  take(taken: Taken): void {
    this.trigger('Bed.Taken', taken);
    this.trigger('Bed.Left', taken.guest);
    // @ts-expect-error the brand is missing
    this.trigger('Bed.Left', 'ada');
    // @ts-expect-error the brand is missing
    this.trigger('Bed.Taken', { ...taken, price: 1 });
    // @ts-expect-error an object that looks like a tariff is none
    this.trigger('Bed.Taken', { ...taken, night: { cents: 1 } });
    // @ts-expect-error a function is no JSON
    this.trigger('Bed.Taken', { ...taken, note: { f: () => {} } });
  }

  protected override apply(event: BedEvent): void {
    if (event.type === 'Bed.Left') {
      this.guest = event.data;
      const text: string = event.data;
      expectTypeOf(text.length).toBeNumber();
    }
    if (event.type !== 'Bed.Taken') return;
    const { data } = event;
    this.guest = data.guest;
    this.price = data.price;
    this.debt = data.debt;
    this.night = data.night;
    this.nights = data.nights;
    this.discount = data.discount;
    this.note = data.note;
    this.note = data.frozen;
    expectTypeOf(data.guest).toEqualTypeOf<GuestId>();
    expectTypeOf(data.price).toEqualTypeOf<Cents>();
    expectTypeOf(data.night).toEqualTypeOf<Tariff>();
    expectTypeOf(data.byGuest).toEqualTypeOf<ReadonlyMap<GuestId, Tariff>>();
    expectTypeOf(data.guests).toEqualTypeOf<ReadonlySet<GuestId>>();
    expectTypeOf(data.pair).toEqualTypeOf<readonly [GuestId, Tariff]>();
    expectTypeOf(data.line).toEqualTypeOf<readonly [GuestId, ...Tariff[]]>();
    expectTypeOf(data.some).toEqualTypeOf<readonly [GuestId?, Tariff?]>();
    expectTypeOf(data.none).toEqualTypeOf<readonly []>();
    expectTypeOf(data.state).toEqualTypeOf<'new' | 'old'>();
    expectTypeOf(data.at).toEqualTypeOf<Date>();
    expectTypeOf(data.bytes).toEqualTypeOf<Uint8Array>();
    expectTypeOf(data.tree.children[0]?.children[0]?.value).toEqualTypeOf<GuestId | undefined>();
    // @ts-expect-error recorded data is frozen
    data.guest = 'bob' as GuestId;
    // @ts-expect-error recorded data is frozen
    data.nights.push(new Tariff(1));
    // @ts-expect-error recorded data is frozen, at every level
    data.tree.children[0].children.push();
    // @ts-expect-error recorded data is frozen
    data.pair[0] = data.guest;
    if (typeof data.note === 'object' && data.note !== null && !('length' in data.note)) {
      // @ts-expect-error recorded JSON is frozen
      data.note.key = 1;
    }
  }
}

expectTypeOf<DeepReadonly<string>>().toEqualTypeOf<string>();
expectTypeOf<DeepReadonly<unknown>>().toEqualTypeOf<unknown>();
expectTypeOf<DeepReadonly<{ a?: { b: string[] } }>>().toEqualTypeOf<{
  readonly a?: { readonly b: readonly string[] };
}>();
expectTypeOf<DeepReadonly<FrozenJson>>().toExtend<FrozenJson>();
expectTypeOf<DeepReadonly<Json>>().toExtend<FrozenJson>();
expectTypeOf<DeepReadonly<Date[]>>().toEqualTypeOf<readonly Date[]>();

/** Data of a type parameter. */
export class Notes<T extends string> extends Aggregate<DomainEvent<'Noted', { text: T }>> {
  write(text: T): void {
    // A type parameter is not known to be read-only, so the data is built from known types.
    void text;
  }
}

// Handlers may do work on several aggregates and forget the results.
export class Cleanings extends ProcessApplication<BedEvent, BedEvent> {
  static readonly applicationName = 'cleanings';
  static readonly emits = ['Bed.Taken', 'Bed.Left', 'Bed.Any'] as const;
  override readonly policy = this.when({
    'Bed.Taken': async ({ data }, repository) =>
      Promise.all(
        [...data.guests].map(async (guest) => {
          expectTypeOf(guest).toEqualTypeOf<GuestId>();
          (await repository.get(Bed, guest)).take({ ...data } as never);
        }),
      ),
    'Bed.Left': ({ data }, repository) =>
      Promise.all([repository.get(Bed, data), undefined, repository.get(Bed, data).then(() => {})]),
    // @ts-expect-error an aggregate, or nothing
    'Bed.Any': () => Promise.all([1, 2]),
  });
}

export class Beds extends Application<BedEvent> {
  async first(): Promise<void> {
    for await (const { event } of this.reader()) {
      if (event.type === 'Bed.Taken') expectTypeOf(event.data.night).toEqualTypeOf<Tariff>();
    }
  }
}

export class Waits extends Aggregate<BedEvent> {
  // @ts-expect-error apply() must not wait
  protected override async apply(): Promise<void> {}
}

export class WaitsForNothing extends Aggregate<BedEvent> {
  // @ts-expect-error apply() must not wait
  protected override apply = async (): Promise<void> => {};
}

export class ReturnsNothing extends Aggregate<BedEvent> {
  protected override apply(event: BedEvent) {
    if (event.type === 'Bed.Left') return;
    if (event.type === 'Bed.Any') return undefined;
    this.discard();
  }
}
