// Systems of relays. Threads and processes import them from here.
import { System } from 'kahn';
import { type RelayClass, relay } from '../../support/systems/relays.ts';

const { url: module } = import.meta;
const ten = Array.from({ length: 10 }, (_, i) => relay(`link-${i + 1}`));
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(relay) as [RelayClass, RelayClass, RelayClass, RelayClass];
export const ends = { a, b, c } as const;
export const [firstLink] = ten as [RelayClass];

export const selfFollowing = System.of([[a, a]], { module, name: 'selfFollowing' });

export const fanIn = System.of(
  [
    [a, d],
    [b, d],
    [c, d],
  ],
  { module, name: 'fanIn' },
);

export const fanOut = System.of(
  [
    [a, b],
    [a, c],
    [a, d],
  ],
  { module, name: 'fanOut' },
);

export const chainOfTen = System.of([ten], { module, name: 'chainOfTen' });
