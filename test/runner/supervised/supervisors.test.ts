import { expect, test } from 'vitest';
import type { Supervisor } from '../../../src/runner/supervised/supervisor.ts';
import { Supervisors } from '../../../src/runner/supervised/supervisors.ts';

test('close() waits for every worker, even if one cannot be closed', async () => {
  const other = Promise.withResolvers<boolean>();
  let isClosed = false;
  const stubs = [
    { close: () => Promise.reject(new RangeError('cannot be closed')) },
    {
      close: async () => {
        const terminated = await other.promise;
        isClosed = true;
        return terminated;
      },
    },
  ];
  const closing = new Supervisors(stubs as unknown as Supervisor[]).close(1_000);
  setTimeout(() => other.resolve(false), 50);
  await expect(closing).rejects.toThrow('cannot be closed');
  expect(isClosed).toBe(true);
});
