// Training that can be killed at any instant: the same call goes on, and ends in the same bits: node examples/resume.mjs
import { defaultOptions, nodeStorage, openByName, train } from 'mlml';

const dataset = await openByName(nodeStorage, 'digits', { n: 4000, nt: 1000 });
const options = { ...defaultOptions, bufferBytes: 1e6, loss: 'softmax', epochs: 4 };

/** Trains; stops after so many epochs, as if the machine had been taken away. */
async function attempt(folder, epochs) {
  const stop = new AbortController();
  return await train('ssgd', dataset, options, {
    storage: nodeStorage,
    scratchFolder: 'scratch',
    signal: stop.signal,
    // A state every 1000 rows; the default, every 30 seconds, costs next to nothing.
    checkpoint: { folder, every: { rows: 1000 } },
    onEvent(event) {
      if (event.type === 'resumed')
        console.log(`goes on after ${event.done} of ${event.total} ${event.unit}`);
      if (event.type === 'evaluation' && event.epoch >= epochs) stop.abort(new Error('stopped'));
    },
  });
}

await attempt('checkpoint', 2).catch((error) => console.log(`the first attempt: ${error.message}`));
const { model: second } = await attempt('checkpoint', Infinity);
const { model: unbroken } = await attempt('other', Infinity);
const same = second.weights.every((weight, i) => weight === unbroken.weights[i]);
console.log(`the weights are ${same ? 'the same, to the bit,' : 'not the same'} as without a stop`);
await dataset.close();
