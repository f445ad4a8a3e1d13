/** What is for this process alone: what it runs, and what watches it or must have one of a kind. */
const own = [
  '--build-snapshot',
  '--check',
  '--debug-port',
  '--eval',
  '--inspect',
  '--input-type',
  '--interactive',
  '--print',
  '--run',
  '--test',
  '--watch',
];
/** Those of them, and their short forms, whose value may be the next argument. */
const withValue =
  /^(?:-e|-p|-pe|--eval|--print|--input-type|--build-snapshot-config|--run|--watch-[a-z-]+|--(?:debug|inspect)-port|--test-[a-z-]+)$/;
const short = /^-(?:e|p|pe|c|i)$/;

/** The options of Node that a process hands on to those it starts: `--conditions`, `--import` and the like. */
export function inheritedArguments(execArgv: readonly string[]): string[] {
  return execArgv.filter((argument, i) => {
    if (short.test(argument) || own.some((name) => argument.startsWith(name))) return false;
    const before = execArgv[i - 1];
    return before === undefined || argument.startsWith('-') || !withValue.test(before);
  });
}
