import { shred } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { letters } from '../support/personal/letters.ts';

const [directory = '', subject = ''] = process.argv.slice(2);
const storage = sqlite({ directory, synchronous: 'NORMAL', busyTimeoutMs: 600_000 });
await shred(storage, letters, subject, { by: 'support', reason: 'erasure request 17' });
