import { run, type StorageDescription } from 'kahn';
import {
  Audits,
  auditedDesk,
  JammedError,
  Labels,
  Parcels,
} from '../../support/systems/parking/parcel-desk.ts';

// Sends parcels on which handlers often fail, and retries what is parked, until it is killed.
const [storageText = '', first = '0'] = process.argv.slice(2);
const fail = () => {
  if (Math.random() < 0.2) throw new JammedError('jammed');
};
Labels.meanwhile = fail;
Audits.meanwhile = fail;
const storage = JSON.parse(storageText) as StorageDescription;
await using runner = await run(auditedDesk, { storage, batchSize: 3 });
for (let number = Number(first); ; number += 1) {
  await runner
    .get(Parcels)
    .send(`parcel ${number % 7}`, number)
    .catch(() => {});
  if (number === Number(first) + 10) process.send?.('working');
  if (number % 3 > 0) continue;
  for (const one of [Labels, Audits])
    await runner.retry(one, {}, { by: 'ada', reason: 'again' }).catch(() => {});
}
