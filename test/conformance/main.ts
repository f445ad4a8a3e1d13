// Runs all systems in all combinations, and writes docs/conformance.md: see package.json.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { localRunners, restateKind } from '../support/runners/every-runner.ts';
import { PostgresServer } from '../support/servers/postgres-server.ts';
import { RestateEngine } from '../support/servers/restate-engine.ts';
import { cases } from './cases/cases.ts';
import { differences } from './comparison.ts';
import { combinations, nameOf } from './matrix.ts';
import { pageOf } from './page.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, jobs: { type: 'string', default: '2' } },
});

await using engine = await RestateEngine.start();
await using server = await PostgresServer.start();
const all = combinations(cases, [...localRunners, restateKind(() => engine)]);
const chosen = all.filter((combination) => nameOf(combination).includes(values.only));
const begun = performance.now();
let runs = 0;
const found = await differences(chosen, {
  postgresUrl: server.url(),
  jobs: Number(values.jobs),
  done(combination, difference) {
    runs += 1;
    const result = combination.refusal === undefined ? 'run' : 'refused';
    console.log(`${runs}/${chosen.length} ${result}: ${nameOf(combination)}`);
    if (difference !== undefined) console.error(`differs: ${difference.reason}`);
  },
});
for (const { name } of found) console.error(`differs: ${name}`);
const refused = chosen.filter(({ refusal }) => refusal !== undefined).length;
const seconds = Math.round((performance.now() - begun) / 1_000);
console.log(
  `\n${chosen.length - refused} runs, ${refused} refused, ${found.length} different, in ${seconds} s`,
);
if (found.length > 0) process.exitCode = 1;
else if (chosen.length === all.length) {
  writeFileSync(new URL('../../docs/conformance.md', import.meta.url), pageOf(all));
  process.stdout.write(`\n${pageOf(all)}`);
}
