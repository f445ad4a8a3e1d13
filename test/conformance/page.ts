import type { ConformanceCase } from './cases/case.ts';
import { batchSizes, type Combination } from './matrix.ts';

/** Returns the page of a matrix. */
export function pageOf(all: readonly Combination[]): string {
  const cases = [...new Set(all.map(({ tested }) => tested))];
  const reasons = [...new Set(all.flatMap(({ refusal }) => refusal ?? []))];
  const rows = Map.groupBy(
    all,
    ({ kind, storageName, pipelines }) => `${kind.name} | ${storageName} | ${pipelines}`,
  );
  const runs = all.filter(({ refusal }) => refusal === undefined).length;
  return `# The same result on every runner

The table says what ${cases.length} systems must leave on record on every runner and storage, with one and with two pipelines, and with batches
of ${listed(batchSizes)} notifications. \`npm run conformance\` runs all of them on empty storage and compares the results. The exhaustive tests do
so with a sixteenth of them, drawn by the seed of the run:

\`\`\`sh
npm run conformance                        # all ${runs} runs, and ${all.length - runs} starts that must be refused
npm run conformance -- --only 'shop, '     # those with this text in their name
\`\`\`

| system | what it does |
|---|---|
${cases.map(({ name, what }) => `| ${name} | ${what} |`).join('\n')}

| result | with every batch size |
|---|---|
| = | The canonical histories with their causes, the rows of projections and the parked notifications equal those of the other runs. |
| ≡ | The whole logs with ids and times are the same to the byte, too, as in all runs with a clock. |
| agreed | One proposed value for each key, which all participants have learned. Histories may differ, because [answers depend on which message arrives first](paxos.md#what-is-the-same-on-every-runner). |
${reasons.map((reason, i) => `| (${i + 1}) | Refused at the start. ${reason} |`).join('\n')}

In each run, [\`verify()\`](verifying.md) must find nothing.

| runner | storage | pipelines | ${cases.map(({ name }) => name).join(' | ')} |
|---|---|---|${cases.map(() => '---|').join('')}
${[...rows].map(([row, its]) => `| ${row} | ${cases.map((tested) => cell(tested, its, reasons)).join(' | ')} |`).join('\n')}
`;
}

function cell(tested: ConformanceCase, row: readonly Combination[], reasons: readonly string[]): string {
  const [one] = row.filter((combination) => combination.tested === tested);
  if (one?.refusal !== undefined) return `(${reasons.indexOf(one.refusal) + 1})`;
  const equal = one?.kind.startStepping === undefined ? '=' : '≡';
  if (tested.agreement === undefined) return equal;
  return equal === '≡' ? 'agreed, ≡' : 'agreed';
}

function listed(numbers: readonly number[]): string {
  return `${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
}
