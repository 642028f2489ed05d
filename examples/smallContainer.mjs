// Training in a container with 128 MB, in a worker thread, so that the program can do other things meanwhile:
//   docker run --memory=128m --memory-swap=128m -v $PWD:/app -w /app node:20-slim node examples/smallContainer.mjs
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { defaultOptions, nodeStorage, openByName, saveModel, train } from 'mlml';

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url), {
    // The heap of the worker: everything that grows with the data is outside of it, within bufferBytes.
    resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 },
  });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 50);
  worker.on('message', (text) => console.log(text));
  worker.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  worker.on('exit', () => {
    clearInterval(timer);
    console.log(ticks > 0 ? 'the main thread was free all the time' : 'the main thread was held up');
    console.log(`at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
  });
} else {
  // 157 MB of rows: more than the container has.
  const dataset = await openByName(nodeStorage, 'digits', { n: 200_000, nt: 2000 });
  const options = { ...defaultOptions, bufferBytes: 8e6, loss: 'softmax', epochs: 1, nthreads: 1 };
  const { model, test } = await train('ssgd', dataset, options, {
    storage: nodeStorage,
    scratchFolder: 'scratch',
    onEvent: (event) => event.type === 'warning' && parentPort.postMessage(event.message),
  });
  parentPort.postMessage(`accuracy ${test.accuracy} on rows it has not seen`);
  await saveModel(nodeStorage, 'model', model);
  await dataset.close();
}
