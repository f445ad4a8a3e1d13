// Runs before the npm scripts. CommonJS that Node 12 and later can parse, so that an old Node prints the message below.
const required = 24;
const actual = process.versions.node;

if (Number(actual.split('.')[0]) < required) {
  process.stderr.write(`kahn needs Node ${required} or newer, but this is Node ${actual}.
Run \`npm ci\` first: it installs Node ${required} into node_modules/.bin, where npm scripts and npx find it.
Then run commands through npm: \`npm start\`, \`npm test\`, \`npm run bench\`, \`npm run check\`, or \`npx node file.ts\`.
A bare \`node file.ts\` runs the Node of this machine instead.
`);
  process.exit(1);
}
