import { setFlagsFromString } from 'node:v8';

// Imported first: settings of the engine that keep it small. They change no result.
// Functions are optimised much later than usual: the optimising compiler takes megabytes of working
// memory for each function, and the hot loops are WebAssembly, which this does not touch.
setFlagsFromString('--interrupt-budget=4000000');
// The young generation stays as small as it starts: little that lives long is made while rows stream by.
setFlagsFromString('--semi-space-growth-factor=1');
