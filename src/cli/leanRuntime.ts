import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { collectGarbage } from '../memory/collectGarbage.js';

// Imported first: settings of the engine that keep it small. They change no result.
// Functions are optimised later than usual: the optimising compiler takes megabytes of working
// memory for each function, and the hot loops are WebAssembly, which this does not touch. Later than this, those that are not cost more.
setFlagsFromString('--interrupt-budget=1000000');
// With less of other functions copied into them, compiling them takes two megabytes less, and nothing runs slower for it.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');
// The young generation stays as small as it starts: little that lives long is made while rows stream by.
const keepYoungGenerationSmall = () => setFlagsFromString('--semi-space-growth-factor=1');
keepYoungGenerationSmall();
// An engine that starts, that of a worker thread, sets the factor of all of them back to 2.
process.on('worker', (worker) => worker.once('online', keepYoungGenerationSmall));

/** Milliseconds between two looks at the heap. */
const LOOK_MS = 100;
/** Bytes of the old generation that may be garbage. By itself the engine would let tens of megabytes gather. */
const MOST_GARBAGE = 1e6;
let smallest = Number.POSITIVE_INFINITY;
/** Without the young generation, whose garbage comes and goes many times between two looks. */
const oldBytes = () =>
  getHeapSpaceStatistics().reduce(
    (sum, { space_name, space_used_size }) => sum + (space_name.startsWith('new') ? 0 : space_used_size),
    0,
  );
setInterval(() => {
  const used = oldBytes();
  if (used > smallest + MOST_GARBAGE) {
    collectGarbage('major');
    smallest = oldBytes();
  }
  smallest = Math.min(smallest, used);
}, LOOK_MS).unref();
