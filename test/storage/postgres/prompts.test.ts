import { postgres } from 'kahn/postgres';
import type { Prompt } from 'kahn/storage';
import { expect, onTestFinished, test } from 'vitest';
import type { ProcessEvent } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { until } from '../../support/until.ts';
import { changes, keyed, moved, unlisted } from './faults/commit-scene.ts';

/** Returns a process event in which only the second event has a place in the log. */
function withAround({ events, snapshots }: ProcessEvent): ProcessEvent {
  return {
    snapshots,
    events: events.map((event, index) => (index === 1 ? event : { ...event, notifiable: false })),
  };
}

/** Process events of each shape of statement, in an order in which they can be recorded. */
const recorded: readonly (readonly [shape: string, processEvent: ProcessEvent])[] = [
  ['a command', changes('a')],
  ['commands', changes('b', 2)],
  ['the first batch of an upstream', { ...changes('c'), ...moved(0, 1) }],
  ['one event of a policy', { ...changes('d'), ...moved(1, 2) }],
  ['events of a policy', { ...changes('e', 2), ...moved(2, 3) }],
  ['a command with a key', { ...changes('f'), ...keyed('k1') }],
  ['an event between others without a place', { ...withAround(changes('g', 3)), ...moved(3, 4) }],
];

test('each recording with events prompts other hosts once, with the head of the log', async () => {
  const storage = postgres({ connectionString, schema: temporarySchema() });
  const [own, other] = await Promise.all([openStorage(storage), openStorage(storage)]);
  onTestFinished(async () => {
    await own.close();
    await other.close();
  });
  const recorder = await own.openRecorder({ applicationName: 'orders', setupTables: true });
  const prompts: Prompt[] = [];
  const onPrompt = (prompt: Prompt) => void prompts.push(prompt);
  await using _own = await own.listen!({ onPrompt: () => expect.unreachable(), onGap() {} });
  await using _other = await other.listen!({ onPrompt, onGap() {} });
  const expected: Prompt[] = [];
  for (const [shape, processEvent] of recorded) {
    const head = await recorder.record(7, [processEvent]);
    expected.push({ applicationName: 'orders', pipelineId: 7, head });
    await until(`${shape} is prompted`, () => prompts.length >= expected.length);
    expect(prompts).toEqual(expected);
  }
  for (const growsNoLog of [
    { events: [], snapshots: [], ...moved(4, 5) },
    { events: [], snapshots: [], ...keyed('k2') },
    { ...unlisted(changes('h', 2)), ...moved(5, 6) },
    { ...unlisted(changes('i')), ...keyed('k3') },
  ])
    await recorder.record(7, [growsNoLog]);
  const head = await recorder.record(7, [changes('j')]);
  await until('the last command is prompted', () => prompts.length > expected.length);
  expect(prompts).toEqual([...expected, { applicationName: 'orders', pipelineId: 7, head }]);
});
