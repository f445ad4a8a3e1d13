import fc from 'fast-check';
import { memory, type StorageDescription, type System, verify } from 'kahn';
import { expect, test } from 'vitest';
import type { Participant } from '../../../examples/paxos/participant.ts';
import { five, type ParticipantClass, three } from '../../../examples/paxos/systems.ts';
import { propertyRuns } from '../../support/seed.ts';
import { assertAgreement } from './agreement.ts';

const keys = ['door', 'gate'];

type Step =
  | { readonly kind: 'propose'; readonly who: number; readonly key: string }
  | { readonly kind: 'receive'; readonly who: number; readonly from: number; readonly count: number }
  | { readonly kind: 'restart'; readonly who: number };

const who = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('propose' as const), who, key: fc.constantFrom(...keys) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      who,
      from: who,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who }) },
);

/** Participants without a runner: each receives messages only when it is told to. */
class Assembly implements AsyncDisposable {
  readonly #system: System<ParticipantClass>;
  readonly #storage: StorageDescription = memory();
  readonly #batchSize: number;
  readonly proposals = new Map<string, string[]>(keys.map((key) => [key, []]));
  readonly all: Participant[] = [];

  constructor(system: System<ParticipantClass>, batchSize: number) {
    this.#system = system;
    this.#batchSize = batchSize;
  }

  async open(): Promise<void> {
    for (const kind of this.#system.applications)
      this.all.push(await this.#system.open(kind, { storage: this.#storage }));
    for (const one of this.all) this.#follow(one);
  }

  async perform(step: Step): Promise<void> {
    const participant = this.#at(step.who);
    if (step.kind === 'propose') return await this.propose(participant, step.key);
    if (step.kind === 'restart') return await this.#restart(step.who % this.all.length);
    const from = this.#at(step.from);
    if (from === participant) return;
    const { applicationName: upstreamName } = from;
    for (let i = 0; i < step.count; i += 1) await participant.run({ upstreamName, batches: 1 });
  }

  async propose(participant: Participant, key: string): Promise<void> {
    const proposed = this.proposals.get(key)!;
    proposed.push(`value ${proposed.length} of ${key}`);
    await participant.propose(key, proposed.at(-1)!);
  }

  /** Lets some participants receive everything. */
  async settle(some: readonly Participant[]): Promise<void> {
    for (let processed = 1; processed > 0; ) {
      processed = 0;
      for (const participant of some) processed += await participant.run();
    }
  }

  async assertSound(): Promise<void> {
    expect((await verify(this.#storage, this.#system as unknown as System)).faults).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.all) await one.close();
  }

  #at(index: number): Participant {
    return this.all[index % this.all.length]!;
  }

  async #restart(index: number): Promise<void> {
    await this.all[index]!.close();
    this.all[index] = await this.#system.open(this.#system.applications[index]!, { storage: this.#storage });
    for (const one of this.all) this.#follow(one);
  }

  #follow(one: Participant): void {
    for (const other of this.all) if (other !== one) one.follow(other.log, this.#batchSize);
  }
}

const systems = fc.constantFrom(...([three, five] as readonly System<ParticipantClass>[]));
const batchSizes = fc.constantFrom(1, 2, 20);

test('participants agree on proposed values in any order of messages, a minority asleep, and learn them in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      systems,
      batchSizes,
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.shuffledSubarray([0, 1, 2, 3, 4]),
      async (system, batchSize, steps, order) => {
        await using assembly = new Assembly(system, batchSize);
        await assembly.open();
        for (const one of steps) await assembly.perform(one);
        const { all, proposals } = assembly;
        await assertAgreement(all, proposals);

        // A majority goes on alone. It may wait for a ballot of those that sleep, until one of it proposes again.
        const majority = Math.floor(all.length / 2) + 1;
        const awake = [...new Set([...order, 0, 1, 2, 3, 4])].flatMap((i) => all[i] ?? []).slice(0, majority);
        await assembly.settle(awake);
        for (const key of keys)
          if ((await awake[0]!.chosen(key)) === undefined) await assembly.propose(awake[0]!, key);
        await assembly.settle(awake);
        for (const [key, learners] of await assertAgreement(awake, proposals))
          expect(learners, key).toBe(awake.length);

        await assembly.settle(all);
        const learners = await assertAgreement(all, proposals);
        expect([...learners].sort()).toEqual(keys.map((key) => [key, all.length]));
        await assembly.assertSound();
      },
    ),
    propertyRuns(10, 1_000),
  );
});
