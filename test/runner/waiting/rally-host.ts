import { MultiprocessRunner } from 'kahn';
import { Pong, rallies, Umpire } from '../../support/systems/rallies.ts';

// Runs one of the two players and the umpire in its own process, until the process that started it ends.
const options = JSON.parse(process.argv[2] ?? '');
await MultiprocessRunner.start(rallies, { ...options, applications: [Pong, Umpire] });
process.on('disconnect', () => process.exit());
process.send?.('ready');
