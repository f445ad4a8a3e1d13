// Records or deletes, but is killed before a statement: `dying-recorder.ts <options> record|delete <subject> <statement>`.
import { sqlite } from '../../../../src/storage/sqlite/index.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { watchStatements } from '../../../support/watchers/sqlite-statements.ts';

const [options = '', task = '', subject = '', fatal = ''] = process.argv.slice(2);
const storage = await openStorage(sqlite(JSON.parse(options)));
const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
const keys = await storage.openSubjectKeys!({ setupTables: true });
let statements = 0;
watchStatements(() => {
  if (statements === Number(fatal)) process.kill(process.pid, 'SIGKILL');
  statements += 1;
});
if (task === 'delete') await keys.delete(subject, 1);
else {
  const made = { originatorId: subject, type: 'Made', data: '{}', timestamp: 0 };
  const events = [
    { ...made, originatorVersion: 1 },
    { ...made, originatorVersion: 2, notifiable: false } as const,
  ];
  const command = { key: subject, timestamp: 0, fingerprint: '', outcome: '{}' };
  await recorder.record(0, [{ events, snapshots: [], command }]);
}
process.exit(0);
