import type { ApplicationClass, System } from 'kahn';

/** Returns the application of a class in the pipeline of a key. */
export type GetApplication = <A extends ApplicationClass>(kind: A, key: string) => InstanceType<A>;

export type Command = () => Promise<unknown>;

/** A system and the commands that it is given, the same in every run. */
export interface ConformanceCase {
  readonly name: string;
  /** What the system does, in one sentence. */
  readonly what: string;
  /** The system; some have another one for each database. */
  systemOn(storageName: string): System;
  /** Returns the commands. Each is called when the one before it is recorded. */
  commands(get: GetApplication): readonly Command[];
  /** Whether its applications record rows. */
  readonly hasRows: boolean;
  /**
   * Returns what must be equal in all runs, in place of the histories, because the policies depend on how unrelated events
   * interleave.
   *
   * @throws if the run itself is wrong.
   */
  agreement?(get: GetApplication): Promise<readonly string[]>;
}
