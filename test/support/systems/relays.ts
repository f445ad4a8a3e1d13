// Applications that pass tokens on, in graphs with diamonds. Threads and processes import the systems from here.
import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Aggregate, type DomainEvent, ProcessApplication, type Saved, System } from 'kahn';

type TokenEvent = DomainEvent<'Token.Moved', { hops: number }> | DomainEvent<'Token.Ended', { hops: number }>;

class Token extends Aggregate<TokenEvent> {}

/**
 * Records one event for each token that an upstream moves, so that its own log tells what it has processed: it moves
 * the token on while hops are left. Its followers ignore tokens that have ended.
 */
export abstract class Relay extends ProcessApplication<TokenEvent, TokenEvent> {
  static readonly emits = ['Token.Moved', 'Token.Ended'] as const;
  override readonly policy = this.when({
    'Token.Moved': async ({ data, originatorId }, repository) => {
      await dawdle(`${this.applicationName} ${originatorId}`);
      const type = data.hops > 0 ? 'Token.Moved' : 'Token.Ended';
      return Token.create(type, { hops: data.hops - 1 }, repository.deriveId());
    },
  });

  /** Moves new tokens, each for a number of hops. */
  move(...hops: readonly number[]): Promise<Saved> {
    return this.save(...hops.map((count) => Token.create('Token.Moved', { hops: count })));
  }
}

export type RelayClass = (new () => Relay) &
  Pick<typeof Relay, 'emits' | 'open'> & { readonly applicationName: string };

/** Makes a class of relays with a name. */
export function relay(name: string): RelayClass {
  return class extends Relay {
    static readonly applicationName: string = name;
  };
}

const variable = 'KAHN_TEST_RELAY_DELAY';

/** Delays each eighth token by up to `maxMs`, the same in every run, in this thread and in those started from now on. */
export function letRelaysDawdle(maxMs: number): void {
  process.env[variable] = `${maxMs}`;
}

async function dawdle(what: string): Promise<void> {
  const maxMs = Number(process.env[variable] ?? 0);
  const part = maxMs > 0 ? Number.parseInt(hash('sha256', what).slice(0, 4), 16) / 2 ** 13 : 1;
  if (part < 1) await delay(part * maxMs);
}

const [a, b, c, d, one, two] = ['a', 'b', 'c', 'd', 'one', 'two'].map(relay) as [
  RelayClass,
  RelayClass,
  RelayClass,
  RelayClass,
  RelayClass,
  RelayClass,
];
export const relays = { a, b, c, d, one, two } as const;

const { url: module } = import.meta;

/** a follows itself. */
export const loop = System.of([[a, a]], { module, name: 'loop' });
/** d follows a, and b, which follows a. */
export const diamond = System.of(
  [
    [a, b, d],
    [a, d],
  ],
  { module, name: 'diamond' },
);
/** d follows a, and c, which follows a through one and two. d follows neither of the two. */
export const deepDiamond = System.of(
  [
    [a, one, two, c, d],
    [a, d],
  ],
  { module, name: 'deepDiamond' },
);
/** a and b follow each other, and d follows both of them and itself. */
export const cyclicDiamond = System.of(
  [
    [a, b, a],
    [b, d, d],
    [a, d],
  ],
  { module, name: 'cyclicDiamond' },
);
/** one and two follow each other, c and d follow each other, and all four are joined. */
export const tangledDiamond = System.of(
  [
    [a, one, two, one],
    [two, c, one],
    [c, d, one],
    [a, d, c],
    [a, c],
  ],
  { module, name: 'tangledDiamond' },
);

/** Systems with diamonds, each with the same system before d was added. */
export const diamonds = [
  { name: 'diamond', system: diamond, before: System.of([[a, b]]) },
  { name: 'deepDiamond', system: deepDiamond, before: System.of([[a, one, two, c]]) },
  { name: 'cyclicDiamond', system: cyclicDiamond, before: System.of([[a, b, a]]) },
  {
    name: 'tangledDiamond',
    system: tangledDiamond,
    before: System.of([
      [a, one, two, one],
      [two, c, one],
      [a, c],
    ]),
  },
] as unknown as readonly DiamondSystem[];

export interface DiamondSystem {
  readonly name: string;
  readonly system: System<RelayClass>;
  readonly before: System<RelayClass>;
}
