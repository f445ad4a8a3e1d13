import { type StorageDescription, type System, type SystemRunner, verify } from 'kahn';
import { expect } from 'vitest';
import type { Participant } from '../../../examples/paxos/participant.ts';
import type { ParticipantClass } from '../../../examples/paxos/systems.ts';

/** Values that were proposed, by key. */
export type Proposals = ReadonlyMap<string, readonly string[]>;

/**
 * Throws unless all values in the logs of the participants agree: one for each key, which was proposed. Returns the
 * number of participants that have learned the value of each key.
 */
export async function assertAgreement(
  participants: readonly Participant[],
  proposals: Proposals,
): Promise<ReadonlyMap<string, number>> {
  const chosen = new Map<string, string>();
  const learners = new Map<string, number>();
  for (const participant of participants) {
    const { applicationName } = participant;
    const learned = new Set<string>();
    for await (const { event } of participant.reader()) {
      if (event.type !== 'Decision.Chosen') continue;
      const { originatorId: key, data } = event;
      expect(learned.has(key), `${applicationName} learns ${key} twice`).toBe(false);
      expect(data.value, `${applicationName} on ${key}`).toBe(chosen.get(key) ?? data.value);
      expect(proposals.get(key), key).toContain(data.value);
      chosen.set(key, data.value);
      learned.add(key);
      learners.set(key, (learners.get(key) ?? 0) + 1);
    }
  }
  return learners;
}

/** Throws unless all participants have learned the same proposed value for each key, and nothing is lost or doubled. */
export async function assertAllLearned(
  runner: SystemRunner<ParticipantClass>,
  system: System<ParticipantClass>,
  storage: StorageDescription,
  proposals: Proposals,
): Promise<void> {
  const participants = system.applications.map((kind) => runner.get(kind));
  const learners = await assertAgreement(participants, proposals);
  for (const key of proposals.keys()) expect(learners.get(key), key).toBe(participants.length);
  expect((await verify(storage, system)).faults).toEqual([]);
}
