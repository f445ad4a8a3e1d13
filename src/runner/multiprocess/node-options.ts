/**
 * Options that a child process must not inherit: the program of this process, and tools that watch this process alone.
 */
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
/** The options above, and their short forms, whose value may be the next argument. */
const withValue =
  /^(?:-e|-p|-pe|--eval|--print|--input-type|--build-snapshot-config|--run|--watch-[a-z-]+|--(?:debug|inspect)-port|--test-[a-z-]+)$/;
const short = /^-(?:e|p|pe|c|i)$/;

/** Returns the options of Node that a child process inherits, such as `--conditions` and `--import`. */
export function inheritedNodeOptions(execArgv: readonly string[]): string[] {
  return execArgv.filter((argument, i) => {
    if (short.test(argument) || own.some((name) => argument.startsWith(name))) return false;
    const before = execArgv[i - 1];
    return before === undefined || argument.startsWith('-') || !withValue.test(before);
  });
}
