import { strict as assert } from 'node:assert';
import type { System } from 'kahn';
import { type ParticipantClass, three } from '../../../examples/paxos/systems.ts';
import type { ConformanceCase } from './case.ts';

const keys = ['north', 'east', 'south', 'west'];
const participants = three.applications as readonly ParticipantClass[];
const names: readonly string[] = participants.map(({ applicationName }) => applicationName);

/** Rival proposals of three participants for several keys. */
export const paxos: ConformanceCase = {
  name: 'Paxos',
  what: 'Three participants follow each other, and propose rival values for the same keys.',
  hasRows: false,
  systemOn: () => three as System,
  commands: (get) =>
    keys.map(
      (key) => () =>
        Promise.all(participants.map((kind) => get(kind, key).propose(key, kind.applicationName))),
    ),
  async agreement(get) {
    for (const key of keys) {
      const learned = await Promise.all(participants.map((kind) => get(kind, key).chosen(key)));
      assert.equal(new Set(learned).size, 1, `${key}: ${learned.join(', ')}`);
      assert.ok(names.includes(`${learned[0]}`), `${key}: ${learned[0]}`);
    }
    return [];
  },
};
