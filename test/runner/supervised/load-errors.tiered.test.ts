import { DownstreamError } from 'kahn';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { Letter, Letters, letters, Notes } from '../../support/systems/torn-notes.ts';

test.each(supervisedSubjects)('an aggregate that cannot be loaded is named on $name', async (subject) => {
  await using runner = await subject.start(letters, { storage: subject.create() });
  const letter = Letter.create('Letter.Sent', {}, 'letter-1');
  await runner.get(Letters).save(letter);
  await runner.caughtUp();
  await runner.get(Letters).save(letter.read());
  const error = await rejectionOf(runner.caughtUp(), DownstreamError);
  expect(error.failures.get(Notes.applicationName)).toMatchObject({
    code: 'POLICY_FAILED',
    notificationId: 2,
    cause: {
      code: 'AGGREGATE_LOAD_FAILED',
      applicationName: 'notes',
      className: 'Note',
      originatorId: 'letter-1',
      originatorVersion: 1,
      eventType: 'Note.Made',
      timestamp: expect.any(Number),
      cause: { name: 'RangeError', message: 'torn' },
    },
  });
});
