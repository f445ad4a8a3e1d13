import type { SystemRunner } from 'kahn';
import type { ParticipantClass } from './systems.ts';

/** What the participants know about a key when all of them are done. */
export interface Outcome {
  readonly key: string;
  /** What each participant has learned, in the order of the classes. */
  readonly learned: readonly (string | undefined)[];
}

/** Lets every participant propose itself for each key, all at the same time, and resolves when all of it is processed. */
export async function proposeRivals(
  runner: SystemRunner<ParticipantClass>,
  participants: readonly ParticipantClass[],
  keys: readonly string[],
): Promise<void> {
  const proposals = keys.flatMap((key) =>
    participants.map((kind) => runner.get(kind).propose(key, kind.applicationName)),
  );
  await Promise.all(proposals);
  await runner.caughtUp();
}

/** Asks every participant which value it has learned for each key. */
export function outcomes(
  runner: SystemRunner<ParticipantClass>,
  participants: readonly ParticipantClass[],
  keys: readonly string[],
): Promise<readonly Outcome[]> {
  return Promise.all(
    keys.map(async (key) => {
      const learned = await Promise.all(participants.map((kind) => runner.get(kind).chosen(key)));
      return { key, learned };
    }),
  );
}
