import { sqlite } from 'kahn/sqlite';
import { Clicks, Counters } from '../../../support/systems/clicks.ts';
import { watchStatements } from '../../../support/watchers/sqlite-statements.ts';

// Counts all clicks, but is killed before statement `fatal` of those that record. Sends the statements that it has run.
const [options = '', fatal = ''] = process.argv.slice(2);
const storage = sqlite(JSON.parse(options));
await using clicks = await Clicks.open({ storage });
await using counters = await Counters.open({ storage });
counters.follow(clicks.log);
const statements: string[] = [];
watchStatements(({ text }) => {
  if (statements.length === 0 && text !== 'begin immediate') return; // reads
  if (statements.length === Number(fatal)) process.kill(process.pid, 'SIGKILL');
  statements.push(text);
});
await counters.run();
process.send?.(statements);
