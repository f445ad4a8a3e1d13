import { type ApplicationClass, defineResources, System } from 'kahn';
import { Participant } from './participant.ts';

export class Ada extends Participant {
  static readonly applicationName = 'ada';
}
export class Bob extends Participant {
  static readonly applicationName = 'bob';
}
export class Cy extends Participant {
  static readonly applicationName = 'cy';
}
export class Dee extends Participant {
  static readonly applicationName = 'dee';
}
export class Eve extends Participant {
  static readonly applicationName = 'eve';
}

export type ParticipantClass = typeof Ada | typeof Bob | typeof Cy | typeof Dee | typeof Eve;

const { url: module } = import.meta;

/** Three participants. They agree as long as two of them run. */
export const three = System.of(everyPair([Ada, Bob, Cy]), {
  module,
  name: 'three',
  resources: defineResources({ majority: () => majorityOf(3) }),
});

/** Five participants. They agree as long as three of them run. */
export const five = System.of(everyPair([Ada, Bob, Cy, Dee, Eve]), {
  module,
  name: 'five',
  resources: defineResources({ majority: () => majorityOf(5) }),
});

/** Returns pipelines in which each class follows each other one. */
function everyPair<Class extends ApplicationClass>(classes: readonly Class[]): Class[][] {
  return classes.flatMap((one, i) => classes.slice(i + 1).map((other) => [one, other, one]));
}

/** Returns the smallest number of participants of which any two groups have a member in common. */
function majorityOf(participants: number): number {
  return Math.floor((participants + 2) / 2);
}
