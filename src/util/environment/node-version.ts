const required = 24;
const actual = process.versions.node;

// Every entry point imports this module first. Modules that older versions lack are loaded after it.
if (Number.parseInt(actual, 10) < required) {
  throw new Error(`kahn needs Node ${required} or newer, but this is Node ${actual}.`);
}
