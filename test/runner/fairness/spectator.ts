import { Scores } from '../../support/systems/matches.ts';

// Cheers until it is disconnected. Prints nothing; a failure ends the process with an error.
const scores = await Scores.open({ storage: JSON.parse(process.argv[2] as string) });
const end = new AbortController();
process.on('disconnect', () => end.abort());
process.send?.('ready');
await scores.cheer(end.signal);
await scores.close();
