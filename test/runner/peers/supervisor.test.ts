import { ProcessDiedError } from 'kahn';
import { expect, test } from 'vitest';
import { Supervisor } from '../../../src/runner/peers/supervisor.ts';
import { rejectionOf } from '../../support/errors.ts';
import { watchRunners } from '../../support/events.ts';

test('one that cannot even be started fails the start, and is never said to have stopped', async () => {
  const events = watchRunners();
  const supervisor = new Supervisor({
    runner: 'test',
    kind: 'process',
    role: { applicationName: 'orders', pipelineId: 0, upstreamNames: [] },
    spawn: () => {
      throw new Error('no room');
    },
    entered: () => {},
  });
  const error = await rejectionOf(supervisor.start(), ProcessDiedError);
  expect(error.message).toContain('its process has died: no room');
  await supervisor.close(1_000);
  expect(events).toEqual([]);
});
