import { MultiThreadedRunner, memory, type Saved } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { randomRelays } from '../../support/systems/random-relays.ts';
import { letRelaysDawdle, type Relay } from '../../support/systems/relays.ts';
import { byTier } from '../../support/tier.ts';
import { inTime } from '../../support/until.ts';

const graphs = Array.from({ length: byTier(2, 12) }, (_, index) => seed + index);

/** Places of all events in a log with a correlation id. */
async function placesOf(relays: readonly Relay[], { correlationId }: Saved): Promise<string[]> {
  const places: string[] = [];
  for (const relay of relays) {
    for await (const { id, event } of relay.reader())
      if (event.correlationId === correlationId) places.push(`${relay.applicationName} ${id}`);
  }
  return places;
}

test.each(graphs)('a settled save has all of its effects, in random graph %i', async (graph) => {
  const random = randomNumbers(graph);
  letRelaysDawdle(2);
  onTestFinished(() => letRelaysDawdle(0));
  const system = randomRelays(graph);
  await using runner = await MultiThreadedRunner.start(system, { storage: memory(), batchSize: 4 });
  const relays = system.applications.map((kind) => runner.get(kind));
  const settled: { readonly saved: Saved; readonly places: readonly string[] }[] = [];
  const client = async () => {
    for (let i = 0; i < 6; i += 1) {
      const relay = relays[Math.floor(random() * relays.length)]!;
      const saved = await relay.move(Math.floor(random() * 4));
      await runner.settled(saved, { signal: inTime() });
      settled.push({ saved, places: await placesOf(relays, saved) });
    }
  };
  await Promise.all(Array.from({ length: 5 }, client));
  await runner.caughtUp({ signal: inTime() });
  expect(settled).toHaveLength(30);
  for (const { saved, places } of settled) expect(await placesOf(relays, saved)).toEqual(places);
  expect(Math.max(...settled.map(({ places }) => places.length))).toBeGreaterThan(5);
});
